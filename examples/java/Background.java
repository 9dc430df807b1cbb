import static java.util.stream.Collectors.toList;

import com.google.gson.JsonObject;
import io.voucherify.client.ApiClient;
import io.voucherify.client.ApiException;
import io.voucherify.client.api.*;
import io.voucherify.client.model.*;
import java.io.File;
import java.nio.file.Files;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Background jobs with the SDK of Java; see ../README.md. */
final class Background {
    private final CustomersApi customers;
    private final OrdersApi orders;
    private final ExportsApi exports;
    private final AsyncActionsApi actions;

    private Background(Map<String, String> keys) {
        ApiClient api = Sdk.client(keys);
        customers = new CustomersApi(api);
        orders = new OrdersApi(api);
        exports = new ExportsApi(api);
        actions = new AsyncActionsApi(api);
    }

    /** Polls until the job is finished, as a user would, and returns its result. */
    private JsonObject done(String asyncActionId) throws Exception {
        AsyncActionGetResponseBody action = actions.getAsyncAction(asyncActionId);
        while (action.getStatus() != AsyncActionGetResponseBody.StatusEnum.DONE) {
            Thread.sleep(20);
            action = actions.getAsyncAction(asyncActionId);
        }
        return Sdk.json(action.getResult());
    }

    private JsonObject bulk(List<CustomersUpdateInBulkRequestBody> records) throws Exception {
        return done(customers.updateCustomersInBulk(records).getAsyncActionId());
    }

    private JsonObject importCsv(String text) throws Exception {
        File file = File.createTempFile("customers", ".csv");
        try {
            Files.writeString(file.toPath(), text);
            return done(customers.importCustomersUsingCsv(file).getAsyncActionId());
        } finally {
            file.delete();
        }
    }

    private static OrdersImportCreateRequestBodyItem order(String sourceId) {
        return new OrdersImportCreateRequestBodyItem().status(OrdersImportCreateRequestBodyItem.StatusEnum.PAID).amount(7000)
            .customer(new Customer().sourceId(sourceId));
    }

    private JsonObject importOrders(List<OrdersImportCreateRequestBodyItem> records) throws Exception {
        return done(orders.importOrders(records).getAsyncActionId());
    }

    /** Waits for an export, downloads its file with the token of its URL, and returns the lines after the header. */
    private List<String> exported(String id) throws Exception {
        ExportsGetResponseBody export = exports.getExport(id);
        while (export.getStatus() != ExportsGetResponseBody.StatusEnum.DONE) {
            Thread.sleep(20);
            export = exports.getExport(id);
        }
        String url = export.getResult().getUrl();
        String text = Sdk.text(url);
        Sdk.check(exports.downloadExport(id, url.substring(url.indexOf("token=") + "token=".length())), text);
        return text.lines().skip(1).collect(toList());
    }

    /** Lists all customers, newest first, in pages that each start after the oldest customer of the page before. */
    private List<String> scroll() throws ApiException {
        List<String> found = new ArrayList<>();
        CustomersListResponseBody page;
        OffsetDateTime cursor = null;
        do {
            page = customers.listCustomers(100, null, null, null, null, null, null, null, null, null,
                ParameterOrderListCustomers._CREATED_AT, cursor);
            for (CustomerWithSummaryLoyaltyReferrals customer : page.getCustomers()) {
                found.add(customer.getSourceId());
                if (cursor == null || customer.getCreatedAt().isBefore(cursor)) {
                    cursor = customer.getCreatedAt();
                }
            }
        } while (page.getHasMore());
        return found;
    }

    private void checkScroll(List<String> expected, List<String> created) throws ApiException {
        expected.addAll(created);
        List<String> found = scroll();
        Sdk.check(List.of(found.size(), new HashSet<>(found).size()), List.of(expected.size(), expected.size()));
        Sdk.check(found.stream().sorted().collect(toList()), expected);
    }

    private static List<String> named(String prefix) {
        return IntStream.range(1000, 1250).mapToObj(number -> prefix + number).collect(toList());
    }

    private void run() throws Exception {
        // A bulk update that creates two customers.
        JsonObject bulk = bulk(List.of(
            new CustomersUpdateInBulkRequestBody().sourceId("alice").name("Alice"),
            new CustomersUpdateInBulkRequestBody().sourceId("bob").metadata(Map.of("lang", "en"))));
        Sdk.check(List.of(bulk.get("done_count").getAsInt(), bulk.getAsJsonArray("errors").size()), List.of(2, 0));
        Sdk.check(Sdk.text(bulk.getAsJsonArray("reports").get(0).getAsString()),
            "source_id,found,updated\nalice,false,true\nbob,false,true\n");
        Sdk.check(customers.getCustomer("bob").getMetadata(), Map.of("lang", "en"));

        // Update the metadata of several customers.
        JsonObject metadata = done(customers.updateCustomersMetadataInBulk(new CustomersMetadataUpdateInBulkRequestBody()
            .sourceIds(List.of("alice", "bob")).metadata(Map.of("lang", "de"))).getAsyncActionId());
        Sdk.check(metadata.get("done_count").getAsInt(), 2);
        Sdk.check(customers.getCustomer("alice").getMetadata(), Map.of("lang", "de"));

        // Import a CSV file.
        JsonObject imported = importCsv("Source_id,Name,Address_City\ncarol,Carol,Oslo\n");
        Sdk.check(imported.get("message").getAsString(), "1 customer(s) imported successfully, 0 failed.");
        Sdk.check(customers.getCustomer("carol").getAddress().getCity(), "Oslo");

        // Import orders.
        Sdk.check(importOrders(List.of(order("alice").sourceId("o1"))).get("done_count").getAsInt(), 1);
        Sdk.check(customers.getCustomer("alice").getSummary().getOrders().getTotalAmount(), 7000);
        Sdk.check(actions.listAsyncActions(2, null).getAsyncActions().stream().map(action -> action.getType()).collect(toList()),
            List.of("ORDERS.IMPORT", "CUSTOMERS.IMPORT_CSV"));

        // Exports of customers and orders.
        ExportsCreateResponseBody export = exports.createExport(new ExportsCreateRequestBody()
            .exportedObject(ExportsCreateRequestBody.ExportedObjectEnum.CUSTOMER)
            .parameters(new ExportsCreateRequestBodyParameters()
                .order(ExportsCreateRequestBodyParameters.OrderEnum.SOURCE_ID)
                .fields(List.of(ExportsCreateRequestBodyParameters.FieldsEnum.SOURCE_ID,
                    ExportsCreateRequestBodyParameters.FieldsEnum.NAME))));
        Sdk.check(export.getStatus(), ExportsCreateResponseBody.StatusEnum.SCHEDULED);
        Sdk.check(exported(export.getId()), List.of("alice,Alice", "bob,", "carol,Carol"));
        String ofOrders = orders.createOrderExport(new OrdersExportCreateRequestBody()
            .parameters(new OrdersExportCreateRequestBodyParameters()
                .fields(List.of(ExportOrderFields.SOURCE_ID, ExportOrderFields.STATUS)))).getId();
        Sdk.check(exported(ofOrders), List.of("o1,PAID"));
        Sdk.check(exports.listExports(5, null, null).getTotal(), 2);
        exports.deleteExport(ofOrders);
        Sdk.check(exports.listExports(5, null, null).getTotal(), 1);
    }

    /** Checks that a scroll returns each customer exactly once, also those that one job created. */
    private void runScroll() throws Exception {
        List<String> expected = new ArrayList<>();
        bulk(named("bulk").stream().map(id -> new CustomersUpdateInBulkRequestBody().sourceId(id)).collect(toList()));
        checkScroll(expected, named("bulk"));
        importCsv("Source_id\n" + String.join("\n", named("csv")) + "\n");
        checkScroll(expected, named("csv"));
        importOrders(named("order").stream().map(Background::order).collect(toList()));
        checkScroll(expected, named("order"));
    }

    public static void main(String[] arguments) throws Exception {
        new Background(Sdk.KEYS).run();
        new Background(Sdk.newKeys()).runScroll();
        System.out.println("done");
    }
}
