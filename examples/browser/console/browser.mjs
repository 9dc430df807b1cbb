// The browser of the walk, and the checks of every page.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { executable } from '../chromium.mjs'
import { baseUrl } from './api.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')
// The widths between which every page must be readable.
const NARROW = { width: 360, height: 740 }
const WIDE = { width: 1280, height: 900 }

export const browser = await chromium.launch({ executablePath: executable(), chromiumSandbox: process.getuid?.() !== 0 })
/** What was wrong on a page. It is empty at the end of each step. */
export const problems = []

export function step(name) {
  assert.deepEqual(problems, [])
  console.log(name)
}

export async function open(options) {
  const context = await browser.newContext({ viewport: WIDE, ...options })
  const page = await context.newPage()
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) problems.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', error => problems.push(`${page.url()}: ${error}`))
  page.on('request', request => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== baseUrl) problems.push(`a request to ${url}`)
  })
  return page
}

/** Checks the open page: accessibility, and that it is not wider than a narrow window. */
export async function check(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, help, nodes } of violations) {
    problems.push(`${page.url()}: ${id}: ${help}: ${nodes.map(node => node.html).slice(0, 3).join(' | ')}`)
  }
  await page.setViewportSize(NARROW)
  const surplus = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  if (surplus > 0) problems.push(`${page.url()}: ${surplus} pixels wider than ${NARROW.width}`)
  await page.setViewportSize(WIDE)
}

/** Asserts that the main part of the page contains a text. */
export async function shows(page, text) {
  const content = await page.textContent('main')
  assert.ok(content.includes(text), `${page.url()} does not show ${text}: ${content}`)
}

/** Presses a button of a form, on the page or in the open dialog, and waits until the page that follows shows a text. */
export async function press(page, button, text) {
  await page.click(`:is(main, dialog) button:has-text("${button}")`)
  await page.waitForLoadState()
  await shows(page, text)
}

/** Opens a page, follows the first link of its table, and returns where it leads. */
export async function first(page, url) {
  await page.goto(url)
  await page.click('tbody a')
  return page.url()
}
