const instant = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** An instant as people read it, in their own time zone. */
export function formatInstant(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : instant.format(date);
}
