import { spawnSync } from 'node:child_process'
import { chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const found = NAMES.find((name) => spawnSync(name, ['--version']).status === 0)

/** For a test's options: without Chromium it is skipped aloud, under CI it fails. */
export const needsChromium = found || process.env.CI ? {} : { skip: 'chromium is not installed' }

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page of a real Chromium without a network, and the addresses that it asked for. */
export async function openPage(t, size = { width: 900, height: 1200 }) {
  const executablePath = spawnSync('which', [found ?? NAMES[0]], { encoding: 'utf8' }).stdout.trim()
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  t.after(() => browser.close())
  const context = await browser.newContext({ viewport: size, offline: true })
  const page = await context.newPage()
  const seen = { requests: [], errors: [] }
  page.on('request', (request) => seen.requests.push(request.url()))
  page.on('pageerror', (error) => seen.errors.push(error.message))
  page.on('dialog', (dialog) => seen.errors.push(dialog.message()))
  return { page, seen }
}
