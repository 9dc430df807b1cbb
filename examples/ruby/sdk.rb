# Loads the SDK of Ruby and points it at the emulator. The scripts of this folder share this file; see ../README.md.
require 'json'
require 'net/http'
require 'securerandom'
require 'uri'

checkout = ARGV.first || ENV['VOUCHERIFY_RUBY_SDK']
$LOAD_PATH.unshift(File.join(checkout, 'lib')) if checkout
begin
  require 'VoucherifySdk'
rescue LoadError => error
  raise if checkout || error.path != 'VoucherifySdk'
  warn 'skipped: the gem voucherify is not installed, and VOUCHERIFY_RUBY_SDK does not name a checkout of the SDK'
  exit
end

APP_URL = URI(ENV.fetch('VOUCHERIFY_URL', 'http://127.0.0.1:8682'))
# A new pair of keys gets an empty project of its own.
KEYS = { 'X-App-Id' => SecureRandom.uuid, 'X-App-Token' => SecureRandom.uuid }.freeze

# Returns an API client with the given keys. The scheme must be set: the SDK's default is https. The SDK does not read SSL_CERT_FILE.
def api_client(keys)
  config = VoucherifySdk::Configuration.new
  config.scheme = APP_URL.scheme
  config.host = "#{APP_URL.host}:#{APP_URL.port}"
  config.ssl_ca_cert = ENV['SSL_CERT_FILE']
  config.api_key.merge!(keys)
  VoucherifySdk::ApiClient.new(config)
end

# Stops the script when the value is not the expected one.
def check(actual, expected)
  raise "expected #{expected.inspect}, got #{actual.inspect}" unless expected == actual
end

# Returns the status and the details of the error that the call is answered with.
def refused
  yield
  raise 'expected an error, got none'
rescue VoucherifySdk::ApiError => error
  [error.code, JSON.parse(error.response_body)['details']]
end

# Calls an operation for which the SDK has no method.
def call(method, path, body = nil)
  request = Net::HTTP.const_get(method).new(path, KEYS.merge('Content-Type' => 'application/json'))
  request.body = JSON.generate(body) if body
  answer = Net::HTTP.start(APP_URL.host, APP_URL.port, use_ssl: APP_URL.scheme == 'https') { |http| http.request(request) }
  raise "#{method} #{path}: #{answer.code}" unless answer.is_a?(Net::HTTPSuccess)
  JSON.parse(answer.body) if answer.body && !answer.body.empty?
end
