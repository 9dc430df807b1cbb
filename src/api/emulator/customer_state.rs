use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::domain::json::JsonText;
use crate::domain::limits::{INTEGER, STATE_CAMPAIGNS, TEXT_CHARS};
use crate::domain::patch::Patch;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, Object, answer};
use crate::objects::customer;
use crate::service::{Caller, customers};

/// PUT /_emulator/customers/{customerId}/state (emulator-set-customer-state): sets what a customer cannot earn here, the members
/// `summary.redemptions`, `loyalty` and `referrals`. What is not sent is as if nothing had been earned.
pub async fn handle(app: State<AppState>, caller: Caller, Id(id): Id, Json(body): Json) -> Result<Response, ApiError> {
    let state = state(Object::of_body(body)?)?;
    let saved = customers::set_state(&app.core, &caller, &id, state.as_ref()).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}

/// The members as the vendor writes them; `None` where nothing is sent.
fn state(mut body: Object) -> Result<Option<JsonText>, ApiError> {
    let redemptions = match body.object("summary")? {
        Patch::Value(mut summary) => summary.object("redemptions")?.value(),
        Patch::Absent | Patch::Null => None,
    };
    let (loyalty, referrals) = (body.object("loyalty")?.value(), body.object("referrals")?.value());
    let mut state = Map::new();
    if let Some(redemptions) = redemptions {
        state.insert("redemptions".to_owned(), redemptions_of(redemptions)?.into());
    }
    if let Some(loyalty) = loyalty {
        state.insert("loyalty".to_owned(), loyalty_of(loyalty)?);
    }
    if let Some(referrals) = referrals {
        state.insert("referrals".to_owned(), referrals_of(referrals)?);
    }
    Ok((!state.is_empty()).then(|| JsonText::of(&state)))
}

/// Numbers by their names, 0 where they are not sent.
fn numbers(object: &mut Object, names: &[&str]) -> Result<Map<String, Value>, ApiError> {
    names.iter().map(|&name| Ok((name.to_owned(), number(object, name)?.into()))).collect()
}

fn number(object: &mut Object, name: &str) -> Result<i64, ApiError> {
    Ok(object.integer(name)?.unwrap_or_default().clamp(-INTEGER, INTEGER))
}

fn redemptions_of(mut redemptions: Object) -> Result<Map<String, Value>, ApiError> {
    let totals = [
        "total_redeemed",
        "total_failed",
        "total_succeeded",
        "total_rolled_back",
        "total_rollback_failed",
        "total_rollback_succeeded",
    ];
    let mut numbered = numbers(&mut redemptions, &totals)?;
    for (name, members) in
        [("gift", ["redeemed_amount", "amount_to_go"]), ("loyalty_card", ["redeemed_points", "points_to_go"])]
    {
        let mut part = match redemptions.object(name)? {
            Patch::Value(part) => part,
            Patch::Absent | Patch::Null => Object::default(),
        };
        numbered.insert(name.to_owned(), numbers(&mut part, &members)?.into());
    }
    Ok(numbered)
}

fn loyalty_of(mut loyalty: Object) -> Result<Value, ApiError> {
    let (points, referred) = (number(&mut loyalty, "points")?, number(&mut loyalty, "referred_customers")?);
    let mut campaigns = Map::new();
    if let Patch::Value(named) = loyalty.object("campaigns")? {
        for (name, mut campaign) in named.into_objects(STATE_CAMPAIGNS)? {
            let mut of = Map::new();
            of.insert("points".to_owned(), number(&mut campaign, "points")?.into());
            if let Some(tier) = campaign.optional_text("loyalty_tier", TEXT_CHARS)? {
                of.insert("loyalty_tier".to_owned(), tier.into());
            }
            of.insert("referred_customers".to_owned(), number(&mut campaign, "referred_customers")?.into());
            campaigns.insert(name, of.into());
        }
    }
    Ok(json!({"points": points, "referred_customers": referred, "campaigns": campaigns}))
}

fn referrals_of(mut referrals: Object) -> Result<Value, ApiError> {
    let total = number(&mut referrals, "total")?;
    let campaigns = referrals.objects("campaigns", STATE_CAMPAIGNS)?.unwrap_or_default();
    let campaigns = campaigns.into_iter().map(referral_of).collect::<Result<Vec<_>, ApiError>>()?;
    Ok(json!({"total": total, "campaigns": campaigns}))
}

fn referral_of(mut referral: Object) -> Result<Value, ApiError> {
    let mut of = Map::new();
    for name in ["campaign_id", "related_object_id", "related_object_type"] {
        of.extend(referral.optional_text(name, TEXT_CHARS)?.map(|text| (name.to_owned(), text.into())));
    }
    of.extend(referral.date_text("date")?.value().map(|text| ("date".to_owned(), text.into())));
    // Another person, who could not be found here when it is forgotten.
    if referral.optional_text("referrer_id", TEXT_CHARS)?.is_some() {
        let details = format!("Property {} is not kept: it names another person", referral.path_of("referrer_id"));
        return Err(ApiError::invalid_payload(details));
    }
    Ok(of.into())
}
