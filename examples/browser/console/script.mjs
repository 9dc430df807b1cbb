// What the script of the pages adds: sorted tables, dialogs, and the colours.
import assert from 'node:assert/strict'
import { call } from './api.mjs'
import { check, open, step } from './browser.mjs'

export async function sorting(page, project) {
  await page.goto(`${project}/customers`)
  assert.equal(await page.locator('button.sort').count(), 0, 'a list with more pages is not sorted here')
  for (const [source_id, points] of [['sorted 2', 5], ['sorted 10', 40], ['sorted 1', 300]]) {
    await call('POST', '/v1/orders', { amount: points, status: 'PAID', customer: { source_id, name: source_id.replace('sorted', 'Sorted') } })
  }
  const plain = await open({ javaScriptEnabled: false })
  const url = `${project}/customers/search?q=Sorted`
  await plain.goto(url)
  await page.goto(url)
  const boxes = tested => tested.locator('th').evaluateAll(headers => headers.map(header => {
    const { x, y, width, height } = header.getBoundingClientRect()
    return [x, y, width, height]
  }))
  assert.deepEqual(await boxes(page), await boxes(plain), 'the buttons take the place of the names')
  await plain.close()
  const names = () => page.locator('tbody tr td:first-child').allTextContents()
  const loaded = await names()
  const header = text => page.locator(`th:has-text("${text}")`)
  await header('Name').locator('button').click()
  assert.equal(await header('Name').getAttribute('aria-sort'), 'ascending')
  assert.deepEqual(await names(), ['Sorted 1', 'Sorted 2', 'Sorted 10'])
  await check(page)
  // The keyboard works like the mouse.
  await page.keyboard.press('Enter')
  assert.equal(await header('Name').getAttribute('aria-sort'), 'descending')
  assert.deepEqual(await names(), ['Sorted 10', 'Sorted 2', 'Sorted 1'])
  await header('Spent').locator('button').click()
  assert.equal(await header('Name').getAttribute('aria-sort'), null)
  assert.deepEqual(await names(), ['Sorted 2', 'Sorted 10', 'Sorted 1'], 'amounts are compared as numbers')
  await page.keyboard.press('Space')
  await page.keyboard.press('Space')
  assert.equal(await header('Spent').getAttribute('aria-sort'), null)
  assert.deepEqual(await names(), loaded)
  step('a table is sorted by its columns, with the mouse and with keys')
}

export async function dialogs(page, project, customer) {
  await page.goto(customer)
  const opener = page.locator('main a:has-text("Delete permanently")')
  await opener.click()
  await page.waitForSelector('dialog[open] h2:has-text("Delete permanently")')
  assert.equal(page.url(), customer)
  assert.match(await page.textContent('dialog'), /customer_activity/)
  const duplicates = await page.evaluate(() => {
    const ids = [...document.querySelectorAll('[id]')].map(node => node.id)
    return ids.filter((id, index) => ids.indexOf(id) !== index)
  })
  assert.deepEqual(duplicates, [])
  await check(page)
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog', { state: 'detached' })
  assert.ok(await opener.evaluate(link => link === document.activeElement), 'the focus returns')
  await opener.press('Enter')
  await page.click('dialog >> text=Cancel')
  await page.waitForSelector('dialog', { state: 'detached' })
  assert.equal(page.url(), customer)

  const { id } = await call('POST', '/v1/customers', { source_id: 'short-lived', name: 'Short-lived' })
  await page.goto(`${project}/customers/${id}`)
  await page.click('text=Delete softly')
  await page.click('dialog button:has-text("Delete softly")')
  await page.waitForSelector('text=The customer was deleted softly.')
  await call('GET', `/v1/customers/${id}`, undefined, { status: 404 })
  step('confirmations open in a dialog, which Escape and Cancel close')
}

export async function colours(page, project) {
  const pressed = () => page.locator('.choice [aria-pressed=true]').allTextContents()
  await page.goto(project)
  assert.deepEqual(await pressed(), ['System'])
  for (const theme of ['Dark', 'Light', 'System']) {
    await page.click(`.choice button:has-text("${theme}")`)
    assert.equal(await page.getAttribute('html', 'data-theme'), theme.toLowerCase())
    assert.deepEqual(await pressed(), [theme])
    assert.equal(page.url(), project)
    await check(page)
  }
  step('the colours are chosen')
}
