// Starts one emulator for all test files, also with `mocha --parallel`.
import { start } from 'voucherify-emulator'

let emulator

export async function mochaGlobalSetup() {
  emulator = await start({ ephemeral: true })
  process.env.VOUCHERIFY_URL = emulator.url
}

export async function mochaGlobalTeardown() {
  await emulator.stop()
}
