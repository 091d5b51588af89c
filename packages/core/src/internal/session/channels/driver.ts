/**
 * What keeps a channel open inside a session. It runs a command, on a pseudo-terminal or on pipes, and takes requests, one for each
 * pair of named pipes, whose name arrives through a third, `calls`. Named pipes work where sockets are denied, too. Requests are
 *
 * - `read OFFSET MAX MILLIS`: output from an offset on, which gives up what is before it; waits for some, or for the end
 * - `write ID OFFSET MILLIS` and bytes: input at an offset; the same ID again changes nothing; waits for room
 * - `at`: how much input has arrived
 * - `exit MILLIS`: waits for the end of the command
 * - `resize COLUMNS ROWS` and `signal ID NAME`
 *
 * A reply is a line of words, then bytes. Output that nobody has read yet is bounded: beyond that the command waits, as it does
 * for a slow terminal. On pipes the output is a sequence of frames: a letter (`O`, `E`, `V`: standard output, standard error,
 * descriptor 4), the length as four bytes, and the bytes. What was written before an event comes before it.
 */
export interface Driver {
  /** The program that it needs. */
  readonly name: string
  /** Runs it. It takes the directory of its process as an argument, and what to run, as base64, from standard input. */
  readonly start: string
  /**
   * Makes one request, in that directory: takes the words, and bytes as base64. Prints the words of the reply, then its bytes as
   * base64.
   */
  readonly request: string
}
