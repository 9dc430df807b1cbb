// The API reference.
import assert from 'node:assert/strict'
import { baseUrl } from './api.mjs'
import { check, step } from './browser.mjs'

/** Opens the reference, sends a call from it, and checks the page in the colours of the browser. */
export async function reference(page, colours) {
  await page.goto(`${baseUrl}/_emulator/docs`)
  await page.waitForSelector('#status:has-text("with the keys of the default project")')
  await check(page)
  const group = page.locator('.opblock-tag:has-text("v1: customers")')
  // A filter of the viewer may have opened the group already.
  if (await group.getAttribute('data-is-open') !== 'true') await group.click()
  const operation = page.locator('.opblock:has-text("list-customers")').first()
  await operation.locator('.opblock-summary-control').click()
  const [answer] = await Promise.all([
    page.waitForResponse(response => new URL(response.url()).pathname === '/v1/customers'),
    operation.locator('button.execute').click(),
  ])
  assert.equal(answer.status(), 200)
  await operation.locator('.live-responses-table .response-col_status:has-text("200")').waitFor()
  // A second one, so that the page has two forms.
  await page.locator('.opblock:has-text("create-customer") .opblock-summary-control').first().click()
  await page.locator('.opblock:has-text("create-customer") textarea').first().waitFor()
  await check(page)
  step(`the API reference sends a call, and has no violation in ${colours} colours`)
}
