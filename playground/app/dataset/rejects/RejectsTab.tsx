import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { messageOf } from '../../api/error';
import { request } from '../../api/graphql';
import {
  PlaygroundAdmitRejectsDocument,
  PlaygroundDiscardRejectsDocument,
} from '../../api/operations';
import { countOf } from '../../format';
import { Busy } from '../../shell/Busy';
import { Icon } from '../../shell/Icon';
import { useChange } from '../change';
import type { DatasetDetails } from '../details';
import { JobFailure, WAIT_SECONDS } from '../job';
import { Confirm } from '../../shell/Confirm';
import { Pager } from '../Pager';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';
import type { TabProps } from '../tabs';
import { RejectCard } from './RejectCard';
import './rejects.css';
import { correctionOf, type Drafts, type Reject } from './corrections';
import { downloadRejects, foundInWords, PAGE_REJECTS, useRejects } from './rejects';

/** The rows that loads refused: to be corrected here and admitted, or discarded. */
export default function RejectsTab({ dataset, details }: TabProps): ReactElement {
  const [done, setDone] = useState('');
  if (details.rejectCount === '0') {
    return (
      <div className="nothing">
        {done !== '' && <p role="status">{done}</p>}
        <p>
          No row is set aside. Rows come here when a load refuses them, or when a column is changed
          so that they no longer fit.
        </p>
      </div>
    );
  }
  return <Rejects {...{ dataset, details, done, setDone }} />;
}

function Rejects(props: {
  dataset: Dataset;
  details: DatasetDetails;
  /** What was done last, in a sentence. */
  done: string;
  setDone: (done: string) => void;
}): ReactElement {
  const { dataset, details, done, setDone } = props;
  const [page, setPage] = useState(0);
  const [search, setSearch] = useState('');
  const [drafts, setDrafts] = useState<Drafts>(new Map());
  const count = Number(details.rejectCount);
  const list = useRejects(dataset, details.rejectCount, search, page);
  const [sent, setSent] = useState<readonly Reject[]>([]);
  const admit = useChange(async (chosen: readonly Reject[]) => {
    const { admitRejects } = await request(PlaygroundAdmitRejectsDocument, {
      dataset: dataset.name,
      corrections: chosen.map((reject) => correctionOf(reject, drafts.get(reject.id))),
      wait: WAIT_SECONDS,
    });
    return admitRejects.job;
  });
  const discard = useChange(async (ids: readonly string[] | null) => {
    await request(PlaygroundDiscardRejectsDocument, {
      dataset: dataset.name,
      ids: ids === null ? null : [...ids],
    });
    return null;
  });

  const isSearch = search.trim() !== '';
  const shown = list.rejects;
  if (!shown && !isSearch) {
    return list.error ? (
      <div className="tab-page">
        <Problem error={list.error} onRetry={list.onRetry} />
      </div>
    ) : (
      <Busy label="Loading the rejects" />
    );
  }
  const corrected = (shown ?? []).filter(
    (reject) => correctionOf(reject, drafts.get(reject.id)).cells.length > 0,
  );
  const refusals = refusalsOf(admit.error, sent);

  function write(id: string, field: string, text: string): void {
    setDrafts((now) => new Map(now).set(id, new Map(now.get(id)).set(field, text)));
  }
  async function admitAll(chosen: readonly Reject[]): Promise<void> {
    setDone('');
    setSent(chosen);
    if ((await admit.run(chosen)) === false) return;
    setDone(`${countOf(chosen.length, 'row')} admitted, below the rows of ${dataset.name}.`);
    setDrafts((now) => {
      const left = new Map(now);
      for (const { id } of chosen) left.delete(id);
      return left;
    });
  }

  return (
    <div className="tab-page">
      <div className="tab-bar">
        <input
          type="search"
          className="input"
          placeholder="Search"
          aria-label="Search the rejects"
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setPage(0);
          }}
        />
        <button
          type="button"
          className="button primary"
          disabled={corrected.length === 0 || admit.isRunning}
          onClick={() => void admitAll(corrected)}
        >
          {corrected.length === 0
            ? 'Admit what is corrected'
            : `Admit ${countOf(corrected.length, 'corrected row')}`}
        </button>
        <DownloadButton dataset={dataset} />
        <Confirm
          title={`Discard ${countOf(count, 'reject')}?`}
          action="Discard all"
          isDanger
          onConfirm={() => discard.mustRun(null)}
          progress={<Progress change={discard} />}
          onDone={() => setDone(`${countOf(count, 'reject')} discarded.`)}
          trigger={
            <button type="button" className="button danger">
              Discard all
            </button>
          }
        >
          <p>
            The refused rows are forgotten. They are still in the uploaded file, as long as it is
            kept, and nowhere else. Download them first if in doubt.
          </p>
        </Confirm>
      </div>
      <Progress change={admit} />
      {refusals.size === 0 ? (
        <Problem error={admit.error} />
      ) : (
        <p role="alert" className="failure">
          Nothing is admitted: {countOf(refusals.size, 'row')} still{' '}
          {refusals.size === 1 ? 'does' : 'do'} not fit. See there.
        </p>
      )}
      <p className="hint" role="status">
        {done !== ''
          ? done
          : !isSearch
            ? `${countOf(count, 'row')} set aside. Correct the marked cell, as the file would write it, then admit the row.`
            : list.nSearched !== null
              ? foundInWords(list.count, list.nSearched, count)
              : list.error === null && 'Searching…'}
      </p>
      {isSearch && list.error && <Problem error={list.error} onRetry={list.onRetry} />}
      <ul className="entries" aria-label="Rejects">
        {shown?.map((reject) => (
          <RejectCard
            key={reject.id}
            reject={reject}
            draft={drafts.get(reject.id)}
            isBusy={admit.isRunning}
            refusal={refusals.get(reject.id) ?? null}
            discard={discard}
            onWrite={(field, text) => write(reject.id, field, text)}
            onAdmit={() => void admitAll([reject])}
          />
        ))}
      </ul>
      <Pager
        label="Rejects"
        page={list.page}
        pageSize={PAGE_REJECTS}
        count={list.count}
        onPage={setPage}
      />
    </div>
  );
}

/** Why corrections were refused, by reject: the job counts its lines from the header on. */
function refusalsOf(error: Error | null, sent: readonly Reject[]): Map<string, string> {
  const refused = error instanceof JobFailure ? error.job.refused : [];
  return new Map(
    refused.flatMap(({ row, reason }) => {
      const reject = sent[Number(row) - 2];
      return reject ? [[reject.id, reason] as const] : [];
    }),
  );
}

function DownloadButton({ dataset }: { dataset: Dataset }): ReactElement {
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <>
      <button
        type="button"
        className="button"
        onClick={() => {
          setProblem(null);
          downloadRejects(dataset.name).catch((error: unknown) => setProblem(messageOf(error)));
        }}
      >
        <Icon name="download" />
        Download as CSV
      </button>
      {problem !== null && (
        <p role="alert" className="failure">
          {problem}
        </p>
      )}
    </>
  );
}
