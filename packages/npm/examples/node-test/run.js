// Starts one emulator, and runs all test files with its URL in the environment. Arguments are passed on to `node --test`.
import { spawn } from 'node:child_process'
import { start } from 'voucherify-emulator'

const emulator = await start({ ephemeral: true })
const tests = spawn(process.execPath, ['--test', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, VOUCHERIFY_URL: emulator.url },
})
process.exitCode = await new Promise(resolve => tests.on('exit', code => resolve(code ?? 1)))
await emulator.stop()
