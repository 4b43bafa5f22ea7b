import { useRouter } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { formatBytes } from '../../format';
import { useSource } from '../details';
import { useMay } from '../may';
import type { TabProps } from '../tabs';
import { formatInstant } from '../time';
import { CopyForm } from './CopyForm';
import { DangerZone } from './DangerZone';
import { DescriptionForm } from './DescriptionForm';
import { NameForm, OldNames } from './NameForm';
import { ReparseForm } from './ReparseForm';
import './settings.css';

/** What can be decided about a dataset as a whole. */
export default function SettingsTab({ dataset, details }: TabProps): ReactElement {
  const mayUpload = useMay('UPLOAD');
  const mayAdminister = useMay('ADMIN');
  const source = useSource(dataset);
  const { history } = useRouter();
  const access = `/access?tab=policies&dataset=${encodeURIComponent(dataset.name)}`;
  const facts = [
    ['Root field', <code key="list">{dataset.listField}</code>],
    ['Type', <code key="type">{dataset.typeName}</code>],
    ['Size', formatBytes(Number(details.sizeBytes))],
    ['First published', formatInstant(details.createdAt)],
    ['This version', formatInstant(details.updatedAt)],
    ...(source
      ? ([
          ['File', source.fileName],
          ['Its size', formatBytes(Number(source.sizeBytes))],
          ['Its SHA-256', <code key="sha">{source.sha256}</code>],
        ] as const)
      : []),
  ] as const;
  return (
    <div className="tab-page settings">
      <section className="tab-section" aria-labelledby="settings-facts">
        <h2 id="settings-facts">About</h2>
        <dl className="dataset-facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      {mayUpload && <DescriptionForm dataset={dataset} description={details.description ?? ''} />}
      {mayAdminister && <NameForm dataset={dataset} />}
      {details.oldNames.length > 0 && <OldNames names={details.oldNames} mayDrop={mayAdminister} />}
      {mayUpload && <CopyForm dataset={dataset} />}
      {mayUpload && <ReparseForm dataset={dataset} source={source} />}
      {mayAdminister && (
        <section className="tab-section" aria-labelledby="settings-access">
          <h2 id="settings-access">Who may see it</h2>
          <p>
            Keys, policies by role, and what may be read without a key are decided for the whole
            workspace:{' '}
            <a
              href={access}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                history.push(access);
              }}
            >
              to keys and policies
            </a>
            .
          </p>
        </section>
      )}
      {mayUpload && <DangerZone dataset={dataset} mayDrop={mayAdminister} />}
    </div>
  );
}
