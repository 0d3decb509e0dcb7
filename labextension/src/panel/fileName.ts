/** Names files after what is in them. */

const LONGEST_NAME = 40;

/** The name of a file for a conversation with this title. */
export function fileName(title: string): string {
  const words = title
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, LONGEST_NAME)
    .replace(/^-|-$/g, '');
  return `${words || 'conversation'}.md`;
}
