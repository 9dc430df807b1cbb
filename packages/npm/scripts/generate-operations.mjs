// Writes src/operations.ts from the contract. With `--check`, fails if the file is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const contract = JSON.parse(readFileSync(new URL('../../../openapi/voucherify-emulator.json', import.meta.url), 'utf8'))
const target = new URL('../src/operations.ts', import.meta.url)

const ids = Object.entries(contract.paths)
  .filter(([path]) => /^\/(v1|client|stickystreet)\//.test(path))
  .flatMap(([, operations]) => Object.values(operations).flatMap(operation => operation.operationId ?? []))
const text = `// Generated from the contract by scripts/generate-operations.mjs. Do not edit.

/** The operations that requests are logged as, and that faults can hit. */
export type OperationId =
${[...new Set(ids)]
  .sort()
  .map(id => `  | '${id}'\n`)
  .join('')}`

if (!process.argv.includes('--check')) {
  writeFileSync(target, text)
} else if (readFileSync(target, 'utf8') !== text) {
  console.error('src/operations.ts is out of date. Run scripts/generate-operations.mjs.')
  process.exit(1)
}
