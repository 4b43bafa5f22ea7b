import { useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import { request } from '../api/graphql';
import { PlaygroundRotateKeyDocument } from '../api/operations';
import { Modal } from '../shell/Modal';
import { Problem } from '../shell/Problem';
import { Secret } from './Secret';
import { ACCESS_QUERY_KEY, type Key } from './use';

const OVERLAPS: [number, string][] = [
  [0, 'Not at all: it ends now'],
  [600, '10 minutes'],
  [3_600, 'An hour'],
  [86_400, 'A day'],
  [7 * 86_400, 'A week'],
  [30 * 86_400, '30 days'],
];

/**
 * Makes a key like another one, which goes on for a while. It does not live in the old key's row:
 * that goes away when the key ends, and the new key must not go with it.
 */
export function RotateKey(props: { apiKey: Key; onClose: () => void }): ReactElement {
  const { apiKey, onClose } = props;
  const [secret, setSecret] = useState<string | null>(null);
  const [overlapSeconds, setOverlap] = useState(3_600);
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const queryClient = useQueryClient();
  const id = useId();
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { prefix } = apiKey;
      const { rotateKey } = await request(PlaygroundRotateKeyDocument, { prefix, overlapSeconds });
      setSecret(rotateKey.key);
      await queryClient.invalidateQueries({ queryKey: [ACCESS_QUERY_KEY] });
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={secret === null ? `Rotate the key ${apiKey.name}` : 'The new key is made'}
    >
      {secret !== null ? (
        <Secret secret={secret} onDone={onClose} />
      ) : (
        <form className="form" onSubmit={(event) => void submit(event)}>
          <p>A new key with the same scope, role, datasets and claims is made.</p>
          <label htmlFor={id}>How long does the old key go on?</label>
          <select
            id={id}
            className="input"
            value={overlapSeconds}
            onChange={(event) => setOverlap(Number(event.target.value))}
          >
            {OVERLAPS.map(([seconds, label]) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
          {problem !== null && <Problem error={problem} />}
          <div className="actions">
            <button type="submit" className="button primary" disabled={isBusy}>
              {isBusy ? 'Rotating…' : 'Rotate'}
            </button>
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Modal>
  );
}
