# OAuth and the client side with the SDK of Ruby; see ../README.md.
require_relative 'sdk'
include VoucherifySdk

# Posts a form: the SDK has no methods for OAuth.
def form(path, fields)
  request = Net::HTTP::Post.new(path, KEYS)
  request.set_form_data(fields)
  answer = Net::HTTP.start(APP_URL.host, APP_URL.port) { |http| http.request(request) }
  raise "POST #{path}: #{answer.code}" unless answer.is_a?(Net::HTTPSuccess)
  JSON.parse(answer.body) if answer.body && !answer.body.empty?
end

# Returns the status and the key of the error that the call is answered with.
def refused_with_key
  yield
  raise 'expected an error, got none'
rescue ApiError => error
  [error.code, JSON.parse(error.response_body)['key']]
end

# A token with access to customers only, which replaces the keys.
token = form('/v1/oauth/token', 'grant_type' => 'client_credentials', 'scope' => 'customers')
check token.values_at('expires_in', 'token_type', 'scope'), [900, 'Bearer', 'customers']
api = api_client({})
api.default_headers['Authorization'] = "Bearer #{token['access_token']}"
customers, orders = CustomersApi.new(api), OrdersApi.new(api)
created = customers.create_customer(
  customers_create_request_body: CustomersCreateRequestBody.new(source_id: 'alice', name: 'Alice')
)
check customers.get_customer('alice').id, created.id
check refused_with_key { orders.list_orders }, [403, 'missing_required_permission']
check form('/v1/oauth/introspect', 'access_token' => token['access_token'])['active'], true
form('/v1/oauth/token/revoke', 'access_token' => token['access_token'])
check refused_with_key { customers.get_customer('alice') }, [401, 'unauthorized']

# The client side: a new pair of keys works for its project on the server side and the client side.
pages = ClientSideApi.new(api_client('X-Client-Application-Id' => KEYS['X-App-Id'], 'X-Client-Token' => KEYS['X-App-Token']))
event = pages.track_custom_event_client_side('https://shop.example', client_events_create_request_body:
  ClientEventsCreateRequestBody.new(event: 'visit', customer: Customer.new(source_id: 'alice')))
check [event.type, event.customer.id], ['visit', created.id]

# The same id with another token is refused.
wrong = CustomersApi.new(api_client('X-App-Id' => KEYS['X-App-Id'], 'X-App-Token' => SecureRandom.uuid))
check refused_with_key { wrong.get_customer('alice') }, [401, 'unauthorized']
puts 'done'
