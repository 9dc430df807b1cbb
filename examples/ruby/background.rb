# Background jobs with the SDK of Ruby; see ../README.md.
require 'tempfile'
require_relative 'sdk'
include VoucherifySdk

# The calls of one project that start background jobs and read what they did.
class Project
  attr_reader :customers, :orders, :exports, :actions

  def initialize(keys)
    api = api_client(keys)
    @customers, @orders = CustomersApi.new(api), OrdersApi.new(api)
    @exports, @actions = ExportsApi.new(api), AsyncActionsApi.new(api)
  end

  # Polls until the job is finished, as a user would, and returns the async action.
  def done(accepted)
    loop do
      action = actions.get_async_action(accepted.async_action_id)
      return action if action.status == 'DONE'
      sleep 0.02
    end
  end

  def bulk(records)
    body = records.map { |record| CustomersUpdateInBulkRequestBody.new(record) }
    done(customers.update_customers_in_bulk(customers_update_in_bulk_request_body: body))
  end

  def import_csv(text)
    Tempfile.create(['customers', '.csv']) do |file|
      file.write(text)
      file.rewind
      done(customers.import_customers_using_csv(file: file))
    end
  end

  def import_orders(records)
    body = records.map { |record| OrdersImportCreateRequestBodyItem.new(record) }
    done(orders.import_orders(orders_import_create_request_body_item: body))
  end

  # Lists all customers, newest first, in pages that each start after the oldest customer of the page before.
  def scroll
    found, page, cursor = [], nil, nil
    until page && !page.has_more
      page = customers.list_customers({ limit: 100, order: '-created_at', starting_after: cursor }.compact)
      found += page.customers.map(&:source_id)
      # The SDK would write a Time without its milliseconds.
      cursor = page.customers.map(&:created_at).min&.iso8601(3)
    end
    found
  end
end

project = Project.new(KEYS)

# A bulk update that creates two customers.
bulk = project.bulk([{ source_id: 'alice', name: 'Alice' }, { source_id: 'bob', birthdate: '2022-01-01', metadata: { lang: 'en' } }])
check [bulk.type, bulk.operation_status, bulk.progress], ['CUSTOMERS.BULK_UPDATE', 'SUCCESS', 100]
check bulk.result.values_at(:done_count, :errors), [2, []]
report = Net::HTTP.get(URI(bulk.result[:reports].first))
check report, "source_id,found,updated\nalice,false,true\nbob,false,true\n"
check project.customers.get_customer('bob').metadata, { lang: 'en' }

# Update the metadata of several customers.
body = CustomersMetadataUpdateInBulkRequestBody.new(source_ids: %w[alice bob], metadata: { lang: 'de' })
accepted = project.customers.update_customers_metadata_in_bulk(customers_metadata_update_in_bulk_request_body: body)
check project.done(accepted).result[:done_count], 2
check project.customers.get_customer('alice').metadata, { lang: 'de' }

# Import a CSV file.
imported = project.import_csv("Source_id,Name,Address_City\ncarol,Carol,Oslo\n")
check imported.result[:message], '1 customer(s) imported successfully, 0 failed.'
check project.customers.get_customer('carol').address.city, 'Oslo'

# Import orders.
order = { source_id: 'o1', status: 'PAID', amount: 7000, customer: Customer.new(source_id: 'alice') }
check project.import_orders([order]).result[:done_count], 1
check project.customers.get_customer('alice').summary.orders.total_amount, 7000
check project.actions.list_async_actions(limit: 2).async_actions.map(&:type), %w[ORDERS.IMPORT CUSTOMERS.IMPORT_CSV]

# Exports of customers and orders, downloaded with the token of their URL.
exported = lambda do |export|
  check [export.status, export.result], ['SCHEDULED', nil]
  until export.status == 'DONE'
    sleep 0.02
    export = project.exports.get_export(export.id)
  end
  url = URI(export.result.url)
  token = URI.decode_www_form(url.query).to_h['token']
  text = Net::HTTP.get(url)
  check project.exports.download_export(export.id, token: token), text
  [export.id, text.lines(chomp: true)]
end
parameters = { order: 'source_id', fields: %w[source_id name] }
id, lines = exported.(project.exports.create_export(exports_create_request_body: ExportsCreateRequestBody.new(
  exported_object: 'customer', parameters: ExportsCreateRequestBodyParameters.new(parameters)
)))
check lines.drop(1), ['alice,Alice', 'bob,', 'carol,Carol']
parameters = OrdersExportCreateRequestBodyParameters.new(fields: %w[source_id status])
_, lines = exported.(project.orders.create_order_export(
  orders_export_create_request_body: OrdersExportCreateRequestBody.new(parameters: parameters)
))
check lines.drop(1), ['o1,PAID']
check project.exports.list_exports(limit: 5).total, 2
project.exports.delete_export(id)
check project.exports.list_exports(limit: 5).total, 1

# A scroll returns each customer exactly once, also those that one job created.
ids = ->(prefix) { (1..250).map { |number| format('%s%03d', prefix, number) } }
bulk, csv, ordering = ids.('bulk'), ids.('csv'), ids.('order')
project = Project.new(KEYS.transform_values { SecureRandom.uuid })
scrolled = lambda do |expected|
  found = project.scroll
  check [found.size, found.uniq.size], [expected.size, expected.size]
  check found.sort, expected
end
project.bulk(bulk.map { |source_id| { source_id: source_id } })
scrolled.(bulk)
project.import_csv("Source_id\n#{csv.join("\n")}\n")
scrolled.(bulk + csv)
project.import_orders(ordering.map { |source_id| { status: 'PAID', amount: 100, customer: Customer.new(source_id: source_id) } })
scrolled.(bulk + csv + ordering)
puts 'done'
