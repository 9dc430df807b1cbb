// Starts one emulator for all test files. The workers get its URL in the environment.
const { start } = require('voucherify-emulator')

module.exports = async () => {
  globalThis.emulator = await start({ ephemeral: true })
  process.env.VOUCHERIFY_URL = globalThis.emulator.url
}
