//! Creating, changing and deleting customers.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Caller, Core, Error, Resource, retry};
use crate::db;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::customer::{Customer, CustomerPatch, CustomerReference, OrderSummary, Searched, deleted_source_id};
use crate::domain::identifier::Identifier;
use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::objects::{ObjectWriter, customer, rendered};

/// Creates the customer that `reference` describes or, where its `id` or `source_id` is known, updates that one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown `id`; [`Error::Invalid`] when the merged metadata is too large.
pub async fn save(core: &Core, caller: &Caller, reference: CustomerReference) -> Result<Customer, Error> {
    if reference.id.is_none() {
        // Mostly the customer is new, and then one statement does it all.
        let new = NewCustomer::of(core, caller, &reference, core.clock.now())?;
        let mut connection = core.pool.acquire().await?;
        match new.insert(caller, &mut connection).await {
            Ok(inserted) => {
                connection.release();
                if inserted {
                    return Ok(new.customer);
                }
            }
            Err(Error::Database(error)) if db::error::is_race(&error) => {}
            Err(error) => return Err(error),
        }
    }
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let now = core.clock.now();
        let saved = match lock_referenced(&mut transaction, caller, &reference).await? {
            Some(mut known) => {
                change(core, caller, &mut transaction, &mut known, reference.patch.clone(), now).await?;
                known
            }
            None => create(core, caller, &mut transaction, &reference, now).await?,
        };
        transaction.commit().await?;
        Ok(saved)
    })
    .await
}

/// Changes a known customer as `patch` says; a patch that says nothing changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier; [`Error::Invalid`] when the merged metadata is too large.
pub async fn update(
    core: &Core,
    caller: &Caller,
    identifier: &Identifier,
    patch: CustomerPatch,
) -> Result<Customer, Error> {
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let mut known = lock(&mut transaction, caller, identifier).await?;
        if !patch.is_empty() {
            change(core, caller, &mut transaction, &mut known, patch.clone(), core.clock.now()).await?;
            transaction.commit().await?;
        }
        Ok(known)
    })
    .await
}

/// Deletes a customer softly: it is found no more and leaves its segments, its source id is free, and the row stays under
/// a rewritten one until it is forgotten.
///
/// # Errors
/// [`Error::NotFound`] for an unknown identifier.
pub async fn delete(core: &Core, caller: &Caller, identifier: &Identifier) -> Result<(), Error> {
    retry(async || {
        let mut transaction = core.pool.begin().await?;
        let mut known = lock(&mut transaction, caller, identifier).await?;
        let now = core.clock.now();
        known.source_id = known.source_id.map(|source_id| deleted_source_id(&source_id, now));
        known.updated_at = Some(now);
        db::customers::mark_deleted(&mut transaction, caller.project, &known, now).await?;
        db::segments::remove_customer(&mut transaction, caller.project, &known.id).await?;
        let entry = customer_entry(core, caller, ActivityType::CustomerDeleted, &known, now);
        db::activity::insert(&mut transaction, caller.project, &known.id, &[entry]).await?;
        transaction.commit().await?;
        Ok(())
    })
    .await
}

/// The customer with that identifier, locked.
pub(super) async fn lock(
    connection: &mut PgConnection,
    caller: &Caller,
    identifier: &Identifier,
) -> Result<Customer, Error> {
    db::customers::lock(connection, caller.project, identifier)
        .await?
        .ok_or_else(|| Error::not_found(Resource::Customer, identifier.as_str()))
}

/// The customer that a body names, locked: found, changed as the body says, or created. This is how a customer comes into
/// being through an order or an event; a reference that only names one changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown `id`; [`Error::Database`] with a race where another created it at the same time.
pub(super) async fn resolve(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<Customer, Error> {
    let mut locked: Vec<_> = lock_referenced(connection, caller, reference).await?.into_iter().collect();
    resolve_among(core, caller, connection, &mut locked, reference, now).await
}

/// The living customers among `ids` and those that `references` name, locked in the one order in which customers are
/// locked. What [`resolve_among`] then finds or makes is locked too.
pub(super) async fn lock_all(
    connection: &mut PgConnection,
    caller: &Caller,
    references: &[&CustomerReference],
    mut ids: Vec<String>,
) -> Result<Vec<Customer>, Error> {
    let mut source_ids = Vec::new();
    for reference in references {
        match (&reference.id, &reference.source_id) {
            (Some(id), _) => ids.push(id.clone()),
            (None, Some(source_id)) => source_ids.push(source_id.clone()),
            (None, None) => {}
        }
    }
    if ids.is_empty() && source_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(db::customers::lock_all(connection, caller.project, &ids, &source_ids).await?)
}

/// [`resolve`], among customers that are `locked` already; one that is created is added to them.
pub(super) async fn resolve_among(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    locked: &mut Vec<Customer>,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<Customer, Error> {
    let known = locked.iter_mut().find(|customer| match (&reference.id, &reference.source_id) {
        (Some(id), _) => customer.id == *id,
        (None, Some(source_id)) => customer.source_id.as_ref() == Some(source_id),
        (None, None) => false,
    });
    match (known, &reference.id) {
        (Some(known), _) => {
            if !reference.patch.is_empty() {
                change(core, caller, connection, known, reference.patch.clone(), now).await?;
            }
            Ok(known.clone())
        }
        (None, Some(id)) => Err(Error::not_found(Resource::Customer, id.as_str())),
        (None, None) => {
            let created = create(core, caller, connection, reference, now).await?;
            locked.push(created.clone());
            Ok(created)
        }
    }
}

/// The known customer that a body names, locked; `None` where a new one is meant. The id wins over the source id.
async fn lock_referenced(
    connection: &mut PgConnection,
    caller: &Caller,
    reference: &CustomerReference,
) -> Result<Option<Customer>, Error> {
    match (&reference.id, &reference.source_id) {
        (Some(id), _) => db::customers::lock_by_id(connection, caller.project, id)
            .await?
            .ok_or_else(|| Error::not_found(Resource::Customer, id.as_str()))
            .map(Some),
        (None, Some(source_id)) => Ok(db::customers::lock_by_source_id(connection, caller.project, source_id).await?),
        (None, None) => Ok(None),
    }
}

async fn create(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    reference: &CustomerReference,
    now: DateTime<Utc>,
) -> Result<Customer, Error> {
    let new = NewCustomer::of(core, caller, reference, now)?;
    if new.insert(caller, connection).await? {
        // Locked like one that was found: the row is this transaction's own.
        return Ok(new.customer);
    }
    // Someone else has just created it: what they committed is seen from the next attempt on.
    Err(Error::LostRace)
}

async fn change(
    core: &Core,
    caller: &Caller,
    connection: &mut PgConnection,
    customer: &mut Customer,
    patch: CustomerPatch,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let metadata_is_named = !patch.metadata.is_absent();
    let searched = patch.apply(customer, now);
    if metadata_is_named {
        check_metadata(customer.metadata.as_ref())?;
    }
    db::customers::update(connection, caller.project, customer, &searched).await?;
    let entry = customer_entry(core, caller, ActivityType::CustomerUpdated, customer, now);
    db::activity::insert(connection, caller.project, &customer.id, &[entry]).await?;
    Ok(())
}

/// That metadata, as it is to be stored, is not too large.
pub(super) fn check_metadata(metadata: Option<&JsonText>) -> Result<(), Error> {
    if metadata.is_none_or(|metadata| metadata.as_str().len() <= limits::METADATA_BYTES) {
        return Ok(());
    }
    let details = format!("Property .metadata must NOT be larger than {} bytes", limits::METADATA_BYTES);
    Err(Error::Invalid { details })
}

/// A customer made of a reference alone, and the entry that tells of it.
struct NewCustomer {
    customer: Customer,
    searched: Searched,
    entry: ActivityEntry,
}

impl NewCustomer {
    fn of(core: &Core, caller: &Caller, reference: &CustomerReference, now: DateTime<Utc>) -> Result<Self, Error> {
        let (profile, metadata, searched) = reference.patch.clone().into_new();
        check_metadata(metadata.as_ref())?;
        let customer = Customer {
            id: core.ids.random("cust_"),
            source_id: reference.source_id.clone(),
            profile,
            metadata,
            orders: OrderSummary::default(),
            created_at: now,
            updated_at: None,
        };
        let entry = customer_entry(core, caller, ActivityType::CustomerCreated, &customer, now);
        Ok(Self { customer, searched, entry })
    }

    /// Stores it; `false` where a living customer has the same source id.
    async fn insert(&self, caller: &Caller, connection: &mut PgConnection) -> Result<bool, Error> {
        Ok(db::customers::insert(connection, caller.project, &self.customer, &self.searched, &self.entry).await?)
    }
}

fn customer_entry(
    core: &Core,
    caller: &Caller,
    kind: ActivityType,
    of: &Customer,
    now: DateTime<Utc>,
) -> ActivityEntry {
    core.entry(caller, kind, payload(of), now)
}

/// The payload of the entries that tell of the customer itself.
fn payload(of: &Customer) -> JsonText {
    rendered(|out| ObjectWriter::new(out).with("customer", |out| customer::write_full(out, of)).end())
}
