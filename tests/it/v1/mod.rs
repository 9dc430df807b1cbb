mod customers;
mod events;
mod orders;
mod segments;
