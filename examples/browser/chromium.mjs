// Finds the browser that the scripts of this folder drive.
import assert from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const OTHER_PLACES = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Returns the path of Chromium or Chrome: the value of CHROME, or what is found in the PATH. */
export function executable() {
  if (process.env.CHROME) return process.env.CHROME
  const places = process.env.PATH.split(delimiter).flatMap(folder => NAMES.map(name => join(folder, name)))
  const found = [...places, ...OTHER_PLACES].find(isExecutable)
  assert.ok(found, 'no Chromium or Chrome found; install one, or set CHROME to its path')
  return found
}
