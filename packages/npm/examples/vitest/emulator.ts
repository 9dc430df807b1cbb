// Starts one emulator for all test files.
import type { TestProject } from 'vitest/node'
import { start } from 'voucherify-emulator'

declare module 'vitest' {
  export interface ProvidedContext {
    emulatorUrl: string
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const emulator = await start({ ephemeral: true })
  provide('emulatorUrl', emulator.url)
  return () => emulator.stop()
}
