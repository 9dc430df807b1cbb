// Writes the files of a page of the documentation: each block of code whose paragraph before it begins with a file name.
//
// Usage: node scripts/extract-examples.mjs PAGE HEADING DIR
//
// Only the section with the heading is read.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const [page, heading, directory] = process.argv.slice(2)
const section = readFileSync(page, 'utf8')
  .split(/^#+ /m)
  .find(text => text.startsWith(`${heading}\n`))
const blocks = section?.matchAll(/^`([\w.-]+\.[a-z]+)`(?:.|\n(?!\n))*?:\n\n```\w+\n([^]*?)^```$/gm) ?? []
mkdirSync(directory, { recursive: true })
let count = 0
for (const [, name, content] of blocks) {
  writeFileSync(path.join(directory, name), content)
  count++
}
if (count === 0) throw new Error(`${page} has no files under ${heading}`)
console.log(`${count} files of ${heading}`)
