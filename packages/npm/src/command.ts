import { findProgram } from './platform.js'
import { preparePostgres } from './postgresql.js'

/** The first arguments that are commands which start no server. */
const OTHER_COMMANDS = ['migrate', 'health', 'tls-ca', 'completions', 'man', 'help']
/** Options that print a text and start no server. */
const OTHER_OPTIONS = ['--help', '-h', '--version', '-V']

/** How the program of the emulator is started. */
export interface Command {
  program: string
  environment: NodeJS.ProcessEnv
  /** Why the PostgreSQL of the package is not used, where it should be. */
  problem: string | undefined
}

/**
 * Finds the program, and a PostgreSQL for it. A PostgreSQL that the arguments or the environment name goes first. The
 * directory is passed on in the environment, which every command of the program accepts.
 */
export function prepareCommand(args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const program = findProgram(environment)
  const names = (option: string) => args.some(arg => arg === option || arg.startsWith(`${option}=`))
  const isServer = !OTHER_COMMANDS.includes(args[0] ?? '') && !OTHER_OPTIONS.some(names)
  const isNamed = Boolean(environment.VOUCHERIFY_EMULATOR_POSTGRES_BIN) || names('--postgres-bin')
  const isPrivate =
    names('--ephemeral') || names('--data-dir') || !(names('--database-url') || environment.DATABASE_URL)
  if (!isServer || isNamed || !isPrivate) return { program, environment, problem: undefined }
  const { directory, problem } = preparePostgres()
  if (directory === undefined) return { program, environment, problem }
  return { program, environment: { ...environment, VOUCHERIFY_EMULATOR_POSTGRES_BIN: directory }, problem: undefined }
}
