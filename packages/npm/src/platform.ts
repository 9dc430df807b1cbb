import { existsSync } from 'node:fs'
import path from 'node:path'

/** The name of this platform in the names of packages, such as `linux-x64`. */
export const PLATFORM = `${process.platform}-${process.arch}`

/** Returns the directory of a package that may be missing, because it is an optional dependency. */
export function packageDirectory(name: string): string | undefined {
  try {
    return path.dirname(require.resolve(`${name}/package.json`))
  } catch {
    return ownDirectory(name)
  }
}

/** Finds the directory of a package that does not export its `package.json`. */
function ownDirectory(name: string): string | undefined {
  let directory: string
  try {
    directory = path.dirname(require.resolve(name))
  } catch {
    return undefined
  }
  while (!existsSync(path.join(directory, 'package.json'))) {
    const parent = path.dirname(directory)
    if (parent === directory) return undefined
    directory = parent
  }
  return directory
}

/**
 * Finds the program of the emulator: the file that the environment variable `VOUCHERIFY_EMULATOR_BINARY` names, else that
 * of the package for this platform.
 *
 * @throws {Error} when there is none.
 */
export function findProgram(environment: NodeJS.ProcessEnv): string {
  if (environment.VOUCHERIFY_EMULATOR_BINARY) return environment.VOUCHERIFY_EMULATOR_BINARY
  const name = `@voucherify-emulator/${PLATFORM}`
  const directory = packageDirectory(name)
  if (directory !== undefined) return path.join(directory, 'bin', 'voucherify-emulator')
  const isSupported = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].includes(PLATFORM)
  throw new Error(
    isSupported
      ? `the package ${name} is not installed. Install voucherify-emulator on this system, without --omit=optional, ` +
          'or name a program in VOUCHERIFY_EMULATOR_BINARY'
      : `there is no program for ${PLATFORM}, only for Linux and macOS on x64 and arm64. On Windows, use WSL, or connect ` +
          'to an emulator in a container',
  )
}
