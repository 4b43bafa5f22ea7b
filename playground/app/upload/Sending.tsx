import type { ReactElement } from 'react';
import { formatBytes, formatSeconds } from '../format';

/** How far the body is: bytes, rate, what is left. */
export function Sending(props: {
  file: File;
  state: { nBytesSent: number; beganMs: number };
}): ReactElement {
  const { file } = props;
  const { nBytesSent, beganMs } = props.state;
  const rate = useRate(nBytesSent, beganMs);
  return (
    <>
      <progress
        max={Math.max(file.size, 1)}
        value={nBytesSent}
        aria-label={`Sending ${file.name}`}
      />
      <p className="hint">
        Sending: {formatBytes(nBytesSent)} of {formatBytes(file.size)}
        {rate !== null &&
          `, ${formatBytes(Math.round(rate))}/s, ${formatSeconds((file.size - nBytesSent) / rate)} left`}
      </p>
    </>
  );
}

/** Bytes a second since the beginning; null before it can be told. */
function useRate(nBytesSent: number, beganMs: number): number | null {
  const seconds = (performance.now() - beganMs) / 1000;
  return seconds < 0.8 || nBytesSent === 0 ? null : nBytesSent / seconds;
}
