// The package for `require`.
const assert = require('node:assert/strict')
const { test } = require('node:test')
const emulator = require('voucherify-emulator')

test('require and import get the same functions and classes', async () => {
  const { default: _, 'module.exports': __, ...imported } = await import('voucherify-emulator')
  assert.deepEqual({ ...imported }, { ...emulator })
  assert.deepEqual(Object.keys(emulator).sort(), ['ApiError', 'DEFAULT_KEYS', 'StartError', 'connect', 'start'])
})

test('an emulator is started and stopped', async () => {
  const started = await emulator.start({ ephemeral: true })
  const project = await started.project()
  assert.deepEqual((await project.clock.freeze('2030-01-01')).mode, 'frozen')
  await started.stop()
})
