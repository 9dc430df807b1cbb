mod introspect;
mod revoke;
mod scopes;
mod token;
