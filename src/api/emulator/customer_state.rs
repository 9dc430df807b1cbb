use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::domain::json::{JsonText, javascript};
use crate::domain::limits::{MAX_INTEGER, STATE_CAMPAIGNS, STATE_WIDGETS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::customer;
use crate::service::{Caller, customers};

/// PUT /_emulator/customers/{customerId}/state (emulator-set-customer-state)
///
/// Sets the members `summary.redemptions`, `loyalty`, `referrals` and `system_metadata`, whose data no emulated endpoint
/// creates. A member that is not sent is reset to its empty value.
pub async fn handle(app: State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let state = body.read(read_state)?;
    let saved = customers::set_state(&app.core, &caller, &id, state.as_ref()).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}

/// Returns the members in the vendor's form, or `None` when none is sent.
pub(super) fn read_state(mut body: Object<'_>) -> Result<Option<JsonText>, ApiError> {
    let redemptions = match body.object("summary")? {
        Patch::Value(mut summary) => summary.object("redemptions")?.value(),
        Patch::Absent | Patch::Null => None,
    };
    let system_metadata = read_system_metadata(&mut body)?;
    let (loyalty, referrals) = (body.object("loyalty")?.value(), body.object("referrals")?.value());
    let mut state = Map::new();
    if let Some(redemptions) = redemptions {
        state.insert("redemptions".to_owned(), read_redemptions(redemptions)?.into());
    }
    if let Some(loyalty) = loyalty {
        state.insert("loyalty".to_owned(), read_loyalty(loyalty)?);
    }
    if let Some(referrals) = referrals {
        state.insert("referrals".to_owned(), read_referrals(referrals)?);
    }
    if let Some(system_metadata) = system_metadata {
        state.insert("system_metadata".to_owned(), system_metadata.into());
    }
    Ok((!state.is_empty()).then(|| JsonText::of(&state)))
}

/// Returns the named numbers, with 0 for those that are not sent.
fn numbers(object: &mut Object<'_>, names: &[&str]) -> Result<Map<String, Value>, ApiError> {
    names.iter().map(|&name| Ok((name.to_owned(), number(object, name)?.into()))).collect()
}

fn number(object: &mut Object<'_>, name: &str) -> Result<i64, ApiError> {
    Ok(object.integer(name)?.unwrap_or_default().clamp(-MAX_INTEGER, MAX_INTEGER))
}

fn read_redemptions(mut redemptions: Object<'_>) -> Result<Map<String, Value>, ApiError> {
    let names = [
        "total_redeemed",
        "total_failed",
        "total_succeeded",
        "total_rolled_back",
        "total_rollback_failed",
        "total_rollback_succeeded",
    ];
    let mut totals = numbers(&mut redemptions, &names)?;
    for (name, members) in
        [("gift", ["redeemed_amount", "amount_to_go"]), ("loyalty_card", ["redeemed_points", "points_to_go"])]
    {
        let mut part = redemptions.object_or_empty(name)?;
        totals.insert(name.to_owned(), numbers(&mut part, &members)?.into());
    }
    Ok(totals)
}

fn read_loyalty(mut loyalty: Object<'_>) -> Result<Value, ApiError> {
    let (points, referred) = (number(&mut loyalty, "points")?, number(&mut loyalty, "referred_customers")?);
    let mut campaigns = Map::new();
    if let Patch::Value(sent) = loyalty.object("campaigns")? {
        for (name, mut campaign) in sent.into_objects(STATE_CAMPAIGNS)? {
            let mut members = Map::new();
            members.insert("points".to_owned(), number(&mut campaign, "points")?.into());
            if let Some(tier) = campaign.optional_text("loyalty_tier", TEXT_CHARS)? {
                members.insert("loyalty_tier".to_owned(), tier.into());
            }
            members.insert("referred_customers".to_owned(), number(&mut campaign, "referred_customers")?.into());
            campaigns.insert(name, members.into());
        }
        javascript::order_keys(&mut campaigns);
    }
    Ok(json!({"points": points, "referred_customers": referred, "campaigns": campaigns}))
}

fn read_referrals(mut referrals: Object<'_>) -> Result<Value, ApiError> {
    let total = number(&mut referrals, "total")?;
    let campaigns = referrals.objects("campaigns", STATE_CAMPAIGNS)?.unwrap_or_default();
    let campaigns = campaigns.into_iter().map(read_referral_campaign).collect::<Result<Vec<_>, ApiError>>()?;
    Ok(json!({"total": total, "campaigns": campaigns}))
}

fn read_referral_campaign(mut referral: Object<'_>) -> Result<Value, ApiError> {
    let mut members = Map::new();
    let texts = [
        ("campaign_id", referral.identifier("campaign_id")?),
        ("related_object_id", referral.identifier("related_object_id")?),
        ("related_object_type", referral.optional_text("related_object_type", TEXT_CHARS)?),
    ];
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    members.extend(referral.date_text("date")?.value().map(|text| ("date".to_owned(), text.into())));
    // Reject `referrer_id`: it is the id of another customer, whose permanent deletion would not remove it from this JSON.
    if referral.identifier("referrer_id")?.is_some() {
        let details = format!("Property {} is not kept: it names another customer", referral.path_of("referrer_id"));
        return Err(ApiError::invalid_payload(details));
    }
    Ok(members.into())
}

/// Reads `system_metadata`. The vendor names two members, which filters use: `source` and `web_widget.widgets`. Other
/// members are shown as they are sent.
fn read_system_metadata(body: &mut Object<'_>) -> Result<Option<Map<String, Value>>, ApiError> {
    let Patch::Value(sent) = body.metadata("system_metadata")? else { return Ok(None) };
    let mut checked = body.child("system_metadata", sent.clone());
    checked.text("source", TEXT_CHARS)?;
    if let Patch::Value(mut web_widget) = checked.object("web_widget")? {
        web_widget.texts("widgets", STATE_WIDGETS)?;
        web_widget.take_members();
    }
    checked.take_members();
    Ok(Some(sent))
}
