/**
 * Names a label to a store outside the process: by the record that is durable before the store is asked, so that a server
 * that died before it had journaled the answer asks under the same name again, and gets the same number.
 *
 * @param position of that record in the journal.
 */
export function labelRequest(journalId: string, position: number): string {
  return `${journalId}/${position}`;
}
