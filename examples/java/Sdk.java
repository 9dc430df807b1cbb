import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.voucherify.client.ApiClient;
import io.voucherify.client.ApiException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/** Points the SDK of Java at the emulator. The other classes of this folder use this class; see ../README.md. */
final class Sdk {
    static final String HOST = Objects.requireNonNullElse(System.getenv("VOUCHERIFY_URL"), "http://127.0.0.1:8682");
    /** A new pair of keys gets an empty project of its own. */
    static final Map<String, String> KEYS = newKeys();

    interface Call {
        Object run() throws ApiException;
    }

    private Sdk() {}

    static Map<String, String> newKeys() {
        return Map.of("X-App-Id", UUID.randomUUID().toString(), "X-App-Token", UUID.randomUUID().toString());
    }

    /** Returns an API client with the given keys. */
    static ApiClient client(Map<String, String> keys) {
        ApiClient client = new ApiClient().setBasePath(HOST);
        keys.forEach(client::setAuthentication);
        return client;
    }

    /** Stops the program when the value is not the expected one. */
    static void check(Object actual, Object expected) {
        if (!Objects.equals(actual, expected)) {
            throw new AssertionError("expected " + expected + ", got " + actual);
        }
    }

    /** Returns the status and one member of the error that the call is answered with. */
    static List<Object> refused(String member, Call call) {
        try {
            call.run();
        } catch (ApiException error) {
            JsonObject body = new Gson().fromJson(error.getResponseBody(), JsonObject.class);
            return List.of(error.getCode(), body.has(member) ? body.get(member).getAsString() : "");
        }
        throw new AssertionError("expected an error, got none");
    }

    /** Checks that the object of the call is not found. */
    static void checkMissing(Call call) {
        check(refused("message", call), List.of(404, "Resource not found"));
    }

    /** Returns a value of the SDK as generic JSON. */
    static JsonObject json(Object value) {
        return new Gson().toJsonTree(value).getAsJsonObject();
    }

    /** Calls an operation for which the SDK has no method. */
    static JsonObject call(String method, String path, String type, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(HOST + path)).header("Content-Type", type)
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        KEYS.forEach(request::header);
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new AssertionError(method + " " + path + ": " + answer.statusCode());
        }
        return new Gson().fromJson(answer.body(), JsonObject.class);
    }

    static JsonObject call(String method, String path, Object body) throws IOException, InterruptedException {
        return call(method, path, "application/json", body == null ? null : new Gson().toJson(body));
    }

    static String text(String url) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString()).body();
    }
}
