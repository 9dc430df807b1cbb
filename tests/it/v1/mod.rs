mod consents;
mod customers;
mod events;
mod orders;
mod segments;
mod trash_bin;
