import static java.util.stream.Collectors.toList;

import io.voucherify.client.ApiClient;
import io.voucherify.client.ApiException;
import io.voucherify.client.api.*;
import io.voucherify.client.model.*;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The life of a customer with the SDK of Java; see ../README.md. */
final class Walk {
    private static final String SOURCE_ID = "gina@hill.com";
    private static final ApiClient API = Sdk.client(Sdk.KEYS);
    private static final CustomersApi CUSTOMERS = new CustomersApi(API);
    private static final EventsApi EVENTS = new EventsApi(API);
    private static final OrdersApi ORDERS = new OrdersApi(API);
    private static final Customer CUSTOMER = new Customer().sourceId(SOURCE_ID);

    private static CustomersListResponseBody list(String segmentId) throws ApiException {
        return CUSTOMERS.listCustomers(5, null, null, null, null, segmentId, null, null, null, null,
            ParameterOrderListCustomers._CREATED_AT, null);
    }

    private static int members(String segmentId) throws ApiException {
        return list(segmentId).getTotal();
    }

    private static List<String> segments() throws ApiException {
        return CUSTOMERS.listCustomerSegments(SOURCE_ID).getData().stream().map(segment -> segment.getId()).collect(toList());
    }

    private static int spent() throws ApiException {
        return CUSTOMERS.getCustomer(SOURCE_ID).getSummary().getOrders().getTotalAmount();
    }

    private static OrdersUpdateResponseBody change(String id, OrdersUpdateRequestBody.StatusEnum status) throws ApiException {
        return ORDERS.updateOrder(id, new OrdersUpdateRequestBody().status(status));
    }

    private static EventsCreateResponseBody track(String event, Map<String, Object> metadata) throws ApiException {
        return EVENTS.trackCustomEvent(new EventsCreateRequestBody().event(event).customer(CUSTOMER).metadata(metadata));
    }

    private static Object write(Map<String, Object> metadata) throws ApiException {
        return CUSTOMERS.updateCustomer(SOURCE_ID, new CustomersUpdateRequestBody().metadata(metadata)).getMetadata();
    }

    private static CustomersActivityListResponseBody activity(Integer limit, String startingAfterId,
            ParameterActivityCategory category) throws ApiException {
        return CUSTOMERS.listCustomerActivity(SOURCE_ID, limit, null, startingAfterId, null, null, null, null, category, null);
    }

    public static void main(String[] arguments) throws Exception {
        // The customer.
        CustomersCreateResponseBody created =
            CUSTOMERS.createCustomer(new CustomersCreateRequestBody().sourceId(SOURCE_ID).name("Gina"));
        Sdk.check(created.getId().matches("cust_[0-9A-Za-z]{24}"), true);
        Sdk.check(created.getAddress(), null);
        Sdk.check(CUSTOMERS.getCustomer(SOURCE_ID).getId(), created.getId());
        CustomersUpdateResponseBody updated =
            CUSTOMERS.updateCustomer(SOURCE_ID, new CustomersUpdateRequestBody().phone("+1 933 222 3333"));
        Sdk.check(List.of(updated.getName(), updated.getPhone()), List.of("Gina", "+1 933 222 3333"));
        Sdk.check(list(null).getTotal(), 1);

        // Segments: one with a list, one with a filter. The SDK lists the segments of a customer, and has no method to list all segments.
        SegmentsApi segments = new SegmentsApi(API);
        String listed = segments.createSegment(new SegmentsCreateRequestBody().name("Listed")
            .type(SegmentsCreateRequestBody.TypeEnum.STATIC).customers(List.of(created.getId()))).getId();
        Sdk.check(segments.getSegment(listed).getName(), "Listed");
        Object filter = Map.of("junction", "and",
            "summary.orders.total_amount", Map.of("conditions", Map.of("$more_than", List.of(100))));
        SegmentsCreateResponseBody created2 = segments.createSegment(new SegmentsCreateRequestBody().name("Spenders")
            .type(SegmentsCreateRequestBody.TypeEnum.AUTO_UPDATE).filter(filter));
        String spenders = created2.getId();
        Sdk.check(Sdk.json(created2.getFilter()).get("junction").getAsString(), "and");
        Sdk.check(segments(), List.of(listed));
        Sdk.check(Sdk.call("GET", "/v1/segments", null).getAsJsonArray("data").size(), 2);
        SegmentsCreateRequestBody wrong = new SegmentsCreateRequestBody().name("None")
            .type(SegmentsCreateRequestBody.TypeEnum.AUTO_UPDATE).filter(Map.of());
        Sdk.check(Sdk.refused("details", () -> segments.createSegment(wrong)),
            List.of(400, "Property .filter has wrong `junction` property. It must be one of: and, or"));

        // Orders. When the order is paid, the customer enters the segment; when it is canceled, the customer leaves.
        OrdersCreateResponseBody order = ORDERS.createOrder(new OrdersCreateRequestBody().amount(300).customer(CUSTOMER)
            .items(List.of(new OrderItem().productId("p").quantity(1))));
        Sdk.check(order.getStatus().getValue(), "CREATED");
        Sdk.check(members(spenders), 0);
        Sdk.check(change(order.getId(), OrdersUpdateRequestBody.StatusEnum.PAID).getTotalAmount(), 300);
        Sdk.check(ORDERS.getOrder(order.getId()).getAmount(), 300);
        Sdk.check(ORDERS.listOrders(10, null, null).getTotal(), 1);
        Sdk.check(List.of(spent(), members(spenders)), List.of(300, 1));
        Sdk.check(segments(), List.of(listed, spenders));
        change(order.getId(), OrdersUpdateRequestBody.StatusEnum.FULFILLED);
        Sdk.check(members(spenders), 1);
        change(order.getId(), OrdersUpdateRequestBody.StatusEnum.CANCELED);
        Sdk.check(List.of(spent(), members(spenders)), List.of(0, 0));

        // Custom events. The vendor creates their schemas in its dashboard, the emulator under /_emulator.
        Sdk.check(track("visit", Map.of()).getType(), "visit");
        Object stars = Map.of("stars", Map.of("type", "number", "optional", false));
        Sdk.call("POST", "/_emulator/custom-event-schemas", Map.of("name", "review", "schema", Map.of("properties", stars)));
        Sdk.check(Sdk.refused("details", () -> track("review", Map.of("stars", "five"))),
            List.of(400, "stars: must be a number, property is required (actual value is 'five')"));
        Sdk.check(track("review", Map.of("stars", 5)).getMetadata(), Map.of("stars", 5.0));

        // A metadata schema of customers. The SDK can read schemas, and changes them in the management API only.
        MetadataSchemasApi schemas = new MetadataSchemasApi(API);
        Object lang = Map.of("type", "string", "optional", true, "array", false, "eq", List.of("en", "de"));
        Object age = Map.of("type", "number", "optional", true, "array", false);
        Sdk.call("POST", "/v1/metadata-schemas",
            Map.of("related_object", "customer", "properties", Map.of("lang", lang, "age", age)));
        Sdk.check(schemas.listMetadataSchemas().getTotal(), 1);
        Sdk.check(Sdk.refused("details", () -> write(Map.of("lang", "fr"))),
            List.of(400, "lang: must be a string, must be equal to one of en,de (actual value is 'fr')"));
        Sdk.call("PUT", "/v1/metadata-schemas/customer", Map.of("properties", Map.of(), "allow_defined_only", true));
        Sdk.check(schemas.getMetadataSchema("customer").getAllowDefinedOnly(), true);
        Sdk.check(Sdk.refused("details", () -> write(Map.of("shoe", 44))),
            List.of(400, "shoe: property is not defined in the schema (actual value is '44')"));
        Sdk.check(write(Map.of("lang", "en", "age", 9)), Map.of("lang", "en", "age", 9.0));
        Sdk.call("DELETE", "/v1/metadata-schemas/customer", null);
        Sdk.check(schemas.listMetadataSchemas().getTotal(), 0);

        // The whole activity, newest first, in pages of four entries.
        List<String> types = new ArrayList<>();
        CustomersActivityListResponseBody page = activity(4, null, null);
        page.getData().forEach(entry -> types.add(entry.getType().getValue()));
        while (page.getHasMore()) {
            page = activity(4, page.getMoreStartingAfter(), null);
            page.getData().forEach(entry -> types.add(entry.getType().getValue()));
        }
        Sdk.check(page.getMoreStartingAfter(), null);
        Collections.reverse(types);
        Sdk.check(types.stream().map(type -> type.substring("customer.".length())).collect(toList()), List.of(
            "created", "updated", "order.created",
            "order.updated", "order.paid", "segment.entered",
            "order.updated", "order.fulfilled",
            "order.updated", "order.canceled", "segment.left",
            "custom_event", "custom_event", "updated"));
        List<CustomerActivity> effects = activity(null, null, ParameterActivityCategory.EFFECT).getData();
        Sdk.check(effects.stream().map(entry -> entry.getType().getValue()).collect(toList()),
            List.of("customer.segment.left", "customer.segment.entered"));

        // Consents. The SDK has no methods for them, and reads the type of their activity entries as null.
        Sdk.call("PUT", "/_emulator/consents/cnst_news", Map.of("name", "Newsletter"));
        Sdk.call("PUT", "/v1/customers/" + SOURCE_ID + "/consents", Map.of("cnst_news", true));
        Sdk.check(activity(1, null, null).getData().get(0).getType(), null);

        // There are no vouchers and campaigns, so there is nothing to redeem and the bin is empty.
        Sdk.check(CUSTOMERS.listCustomerRedeemables(SOURCE_ID, 5, null, null, null).getData(), List.of());
        Sdk.check(new BinApi(API).listBinEntries(null, null, null, null).getData(), List.of());

        // Permanent deletion.
        CustomersPermanentDeletionCreateResponseBody deletion = CUSTOMERS.customerPermanentlyDeletion(SOURCE_ID);
        CustomersPermanentDeletionCreateResponseBodyDataJson counts = deletion.getDataJson();
        Sdk.check(deletion.getObject(), "pernament_deletion");
        Sdk.check(List.of(counts.getEvents(), counts.getOrders(), counts.getOrderEvents(), counts.getSegments(),
            counts.getCustomer(), counts.getCustomerEvents()), List.of(2, 1, 7, 1, 1, 8));
        Sdk.checkMissing(() -> CUSTOMERS.getCustomer(SOURCE_ID));
        segments.deleteSegment(listed);
        Sdk.checkMissing(() -> segments.getSegment(listed));

        // Soft deletion.
        String other = CUSTOMERS.createCustomer(new CustomersCreateRequestBody().name("Hugo")).getId();
        CUSTOMERS.deleteCustomer(other);
        Sdk.checkMissing(() -> CUSTOMERS.getCustomer(other));
        System.out.println("done");
    }
}
