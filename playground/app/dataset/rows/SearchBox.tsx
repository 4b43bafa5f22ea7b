import { useEffect, useRef, useState, type ReactElement } from 'react';
import { Icon } from '../../shell/Icon';

/** A search begins when typing has paused for so long. */
const PAUSE_MS = 350;

/** Words that the rows' texts must have, whatever the case and the accents. */
export function SearchBox(props: { text: string; onSearch: (text: string) => void }): ReactElement {
  const { text, onSearch } = props;
  const [typed, setTyped] = useState(text);
  const [known, setKnown] = useState(text);
  // Back, forth and a reset change the address without typing.
  if (text !== known) {
    setKnown(text);
    setTyped(text);
  }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  function search(wanted: string): void {
    clearTimeout(timer.current);
    const words = wanted.trim();
    if (words === text) return;
    setKnown(words);
    onSearch(words);
  }
  return (
    <form
      role="search"
      className="search-box"
      onSubmit={(event) => {
        event.preventDefault();
        search(typed);
      }}
    >
      <Icon name="search" />
      <input
        type="search"
        className="input"
        placeholder="Search"
        aria-label="Search the rows"
        value={typed}
        onChange={({ target: { value } }) => {
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => search(value), PAUSE_MS);
        }}
      />
    </form>
  );
}
