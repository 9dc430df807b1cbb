import com.google.gson.JsonObject;
import io.voucherify.client.ApiClient;
import io.voucherify.client.api.*;
import io.voucherify.client.model.*;
import java.util.List;
import java.util.Map;

/** OAuth and the client side with the SDK of Java; see ../README.md. */
final class Keys {
    /** Posts a form: the SDK has no methods for OAuth. */
    private static JsonObject form(String path, String fields) throws Exception {
        return Sdk.call("POST", path, "application/x-www-form-urlencoded", fields);
    }

    public static void main(String[] arguments) throws Exception {
        // A token with access to customers only, which replaces the keys.
        JsonObject token = form("/v1/oauth/token", "grant_type=client_credentials&scope=customers");
        Sdk.check(token.get("expires_in").getAsInt(), 900);
        Sdk.check(token.get("scope").getAsString(), "customers");
        String accessToken = token.get("access_token").getAsString();
        ApiClient api = Sdk.client(Map.of()).addDefaultHeader("Authorization", "Bearer " + accessToken);
        CustomersApi customers = new CustomersApi(api);
        String created = customers.createCustomer(new CustomersCreateRequestBody().sourceId("alice").name("Alice")).getId();
        Sdk.check(customers.getCustomer("alice").getId(), created);
        Sdk.check(Sdk.refused("key", () -> new OrdersApi(api).listOrders(null, null, null)),
            List.of(403, "missing_required_permission"));
        Sdk.check(form("/v1/oauth/introspect", "access_token=" + accessToken).get("active").getAsBoolean(), true);
        form("/v1/oauth/token/revoke", "access_token=" + accessToken);
        Sdk.check(Sdk.refused("key", () -> customers.getCustomer("alice")), List.of(401, "unauthorized"));

        // The client side: a new pair of keys works for its project on the server side and the client side.
        ApiClient page = Sdk.client(Map.of(
            "X-Client-Application-Id", Sdk.KEYS.get("X-App-Id"), "X-Client-Token", Sdk.KEYS.get("X-App-Token")));
        ClientEventsCreateResponseBody event = new ClientSideApi(page).trackCustomEventClientSide("https://shop.example",
            new ClientEventsCreateRequestBody().event("visit").customer(new Customer().sourceId("alice")));
        Sdk.check(List.of(event.getType(), event.getCustomer().getId()), List.of("visit", created));

        // The same id with another token is refused.
        ApiClient wrong = Sdk.client(Map.of("X-App-Id", Sdk.KEYS.get("X-App-Id"), "X-App-Token", "wrong"));
        Sdk.check(Sdk.refused("key", () -> new CustomersApi(wrong).getCustomer("alice")), List.of(401, "unauthorized"));
        System.out.println("done");
    }
}
