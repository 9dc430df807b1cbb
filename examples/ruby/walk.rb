# The life of a customer with the SDK of Ruby; see ../README.md.
require_relative 'sdk'
include VoucherifySdk

SOURCE_ID = 'carol@jones.com'
api = api_client(KEYS)
customers, orders, events = CustomersApi.new(api), OrdersApi.new(api), EventsApi.new(api)
segments, schemas = SegmentsApi.new(api), MetadataSchemasApi.new(api)
create = ->(members) { customers.create_customer(customers_create_request_body: CustomersCreateRequestBody.new(members)) }
update = ->(members) { customers.update_customer(SOURCE_ID, customers_update_request_body: CustomersUpdateRequestBody.new(members)) }
ids = ->(objects) { objects.map(&:id) }

# The customer.
created = create.(source_id: SOURCE_ID, name: 'Carol', metadata: { lang: 'en' })
check created.id.match?(/\Acust_[0-9A-Za-z]{24}\z/), true
check created.address, nil
check customers.get_customer(SOURCE_ID).id, created.id
check update.(phone: '+1 933 222 3333').phone, '+1 933 222 3333'
check customers.list_customers(limit: 5, order: '-created_at').total, 1
# The SDK has no parameter for filters, but passes query parameters on.
filtered = ->(filters) { customers.list_customers(query_params: filters).total }
check filtered.('filters[metadata.lang][conditions][$is]' => 'en'), 1
check filtered.('filters[metadata.lang][conditions][$is]' => 'de'), 0

# Segments: one with a list, one with a filter. The SDK lists the segments of a customer, and has no method to list all segments.
segment = ->(members) { segments.create_segment(segments_create_request_body: SegmentsCreateRequestBody.new(members)) }
listed = segment.(name: 'Listed', type: 'static', customers: [created.id])
check segments.get_segment(listed.id).name, 'Listed'
spent = { junction: 'and', 'summary.orders.total_amount': { conditions: { '$more_than': [100] } } }
spenders = segment.(name: 'Spenders', type: 'auto-update', filter: spent)
check spenders.filter, spent
check ids.(customers.list_customer_segments(SOURCE_ID).data), [listed.id]
check call(:Get, '/v1/segments')['data'].map { |one| one['id'] }, [spenders.id, listed.id]
check refused { segment.(name: 'None', type: 'auto-update', filter: {}) },
      [400, 'Property .filter has wrong `junction` property. It must be one of: and, or']

# Orders. When the order is paid, the customer enters the segment; when it is canceled, the customer leaves.
change = lambda do |id, members|
  orders.update_order(id, orders_update_request_body: OrdersUpdateRequestBody.new(members))
end
order = orders.create_order(orders_create_request_body: OrdersCreateRequestBody.new(
  amount: 100, customer: Customer.new(source_id: SOURCE_ID), items: [OrderItem.new(product_id: 'p', quantity: 1)]
))
check order.status, 'CREATED'
check customers.list_customers(segment_id: spenders.id).total, 0
order = change.(order.id, status: 'PAID', amount: 300)
check [order.status, order.total_amount], ['PAID', 300]
check orders.get_order(order.id).amount, 300
check orders.list_orders(limit: 10).total, 1
check customers.get_customer(SOURCE_ID).summary.orders.total_amount, 300
check ids.(customers.list_customers(segment_id: spenders.id).customers), [created.id]
check ids.(customers.list_customer_segments(SOURCE_ID).data), [listed.id, spenders.id]
check change.(order.id, status: 'FULFILLED').status, 'FULFILLED'
check customers.list_customers(segment_id: spenders.id).total, 1
check change.(order.id, status: 'CANCELED').status, 'CANCELED'
check customers.get_customer(SOURCE_ID).summary.orders.total_amount, 0
check customers.list_customers(segment_id: spenders.id).total, 0

# Custom events. The vendor creates their schemas in its dashboard, the emulator under /_emulator.
track = lambda do |event, metadata = nil|
  events.track_custom_event(events_create_request_body: EventsCreateRequestBody.new(
    event: event, customer: Customer.new(source_id: SOURCE_ID), metadata: metadata
  ))
end
check track.('visit').type, 'visit'
stars = { stars: { type: 'number', optional: false } }
schema = call(:Post, '/_emulator/custom-event-schemas', { name: 'review', schema: { properties: stars } })
check refused { track.('review', { stars: 'five' }) },
      [400, "stars: must be a number, property is required (actual value is 'five')"]
check track.('review', { stars: 5 }).metadata, { stars: 5 }

# A metadata schema of customers. The SDK can read schemas, and changes them in the management API only.
lang = { type: 'string', optional: true, array: false, eq: %w[en de] }
age = { type: 'number', optional: true, array: false }
metadata_schema = call(:Post, '/v1/metadata-schemas', { related_object: 'customer', properties: { lang: lang, age: age } })
check ids.(schemas.list_metadata_schemas.schemas), [metadata_schema['id']]
check refused { update.(metadata: { lang: 'fr' }) },
      [400, "lang: must be a string, must be equal to one of en,de (actual value is 'fr')"]
call(:Put, '/v1/metadata-schemas/customer', { properties: {}, allow_defined_only: true })
check schemas.get_metadata_schema('customer').allow_defined_only, true
check refused { update.(metadata: { shoe: 44 }) },
      [400, "shoe: property is not defined in the schema (actual value is '44')"]
check update.(metadata: { age: 9 }).metadata, { lang: 'en', age: 9 }
# A key that is defined as a number is compared as a number.
younger = { 'filters[metadata.age][conditions][$less_than]' => 10 }
check filtered.(younger), 1
call(:Delete, '/v1/metadata-schemas/customer')
check schemas.list_metadata_schemas.total, 0
check filtered.(younger), 0

# Consents, for which the SDK has no methods.
call(:Put, '/_emulator/consents/cnst_news', { name: 'Newsletter' })
check call(:Get, '/v1/consents')['consents']['total'], 1
call(:Put, "/v1/customers/#{SOURCE_ID}/consents", { cnst_news: true })

# The whole activity, newest first, in pages of four entries.
entries, page = [], nil
until page && !page.has_more
  page = customers.list_customer_activity(SOURCE_ID, limit: 4, starting_after_id: page&.more_starting_after)
  check !page.more_starting_after.nil?, page.has_more
  entries += page.data
end
check entries.reverse.map { |entry| entry.type.delete_prefix('customer.') }, %w[
  created updated order.created
  order.updated order.paid segment.entered
  order.updated order.fulfilled
  order.updated order.canceled segment.left
  custom_event custom_event updated consents.given
]
left, entered = customers.list_customer_activity(SOURCE_ID, category: 'EFFECT').data
check [left.type, entered.type], %w[customer.segment.left customer.segment.entered]
check entered.data[:data][:segment], { id: spenders.id, name: 'Spenders', object: 'segment' }
check entries.find { |entry| entry.type == 'customer.order.paid' }.group_id, entered.group_id
reviewed = entries.find { |entry| entry.type == 'customer.custom_event' }
check reviewed.data[:data][:event_schema], { id: schema['id'], name: 'review' }

# There are no vouchers and campaigns, so there is nothing to redeem and the bin is empty.
check customers.list_customer_redeemables(SOURCE_ID, limit: 5).data, []
check BinApi.new(api).list_bin_entries.data, []

# Permanent deletion.
deletion = customers.customer_permanently_deletion(SOURCE_ID)
counts = deletion.data_json
check deletion.object, 'pernament_deletion'
check [counts.events, counts.orders, counts.order_events, counts.segments, counts.customer], [2, 1, 7, 1, 1]
check counts.customer_events, 8
check refused { customers.get_customer(SOURCE_ID) }.first, 404
segments.delete_segment(listed.id)
check refused { segments.get_segment(listed.id) }.first, 404

# Soft deletion.
other = create.(name: 'Dave')
customers.delete_customer(other.id)
check refused { customers.get_customer(other.id) }.first, 404
puts 'done'
