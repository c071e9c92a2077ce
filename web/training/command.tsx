/** A command line that can be copied; its flags are not parted at their hyphens. */

export function Command({ text }: { text: string }) {
  const parts = text.split(/(--[\w-]+)/);
  return <code class="command">{parts.map((part, i) => (i % 2 ? <span key={i}>{part}</span> : part))}</code>;
}
