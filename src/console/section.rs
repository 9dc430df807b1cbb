//! The sections of a project, which its navigation shows. A new page adds its section here.

/// A section of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Customers,
    Orders,
    Events,
    Segments,
    Consents,
    MetadataSchemas,
    Requests,
    Webhooks,
    Jobs,
    Controls,
}

impl Section {
    /// All sections, in the order of the navigation.
    pub const ALL: [Self; 11] = [
        Self::Overview,
        Self::Customers,
        Self::Orders,
        Self::Events,
        Self::Segments,
        Self::Consents,
        Self::MetadataSchemas,
        Self::Requests,
        Self::Webhooks,
        Self::Jobs,
        Self::Controls,
    ];

    /// Returns the path of its first page, below the project.
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Customers => "/customers",
            Self::Orders => "/orders",
            Self::Events => "/events",
            Self::Segments => "/segments",
            Self::Consents => "/consents",
            Self::MetadataSchemas => "/metadata-schemas",
            Self::Requests => "/requests",
            Self::Webhooks => "/webhooks",
            Self::Jobs => "/jobs",
            Self::Controls => "/controls",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Customers => "Customers",
            Self::Orders => "Orders",
            Self::Events => "Events",
            Self::Segments => "Segments",
            Self::Consents => "Consents",
            Self::MetadataSchemas => "Metadata schemas",
            Self::Requests => "Requests",
            Self::Webhooks => "Webhooks",
            Self::Jobs => "Jobs",
            Self::Controls => "Controls",
        }
    }
}
