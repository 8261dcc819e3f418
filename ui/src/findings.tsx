// Findings first: what the rules say, and what to do.

import type { Finding } from './data.ts';
import { bytes, count } from './format.ts';

export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) {
    return (
      <p class="calm">
        <strong>No findings.</strong> Every rule was applied, and none fired.
      </p>
    );
  }
  return (
    <ol class="findings">
      {findings.map((finding, i) => (
        <FindingCard key={i} finding={finding} />
      ))}
    </ol>
  );
}

function FindingCard({ finding }: { finding: Finding }) {
  const evidence = Object.entries(finding.evidence);
  return (
    <li class={`finding ${finding.severity}`}>
      <header>
        <span class="severity">{finding.severity}</span>
        <h3>
          <span class="rule">{finding.rule}</span> {finding.name}
        </h3>
        {finding.reclaimable_bytes > 0 && (
          <span class="win">
            <strong>{bytes(finding.reclaimable_bytes)}</strong> to win
          </span>
        )}
      </header>
      <p class="subject code">{finding.subject}</p>
      <p>{finding.summary}</p>
      {finding.advice !== '' && <p class="advice">{finding.advice}</p>}
      {evidence.length > 0 && (
        <details>
          <summary>Evidence</summary>
          <dl class="pairs">
            {evidence.map(([name, value]) => (
              <div key={name}>
                <dt>{name.replace(/_bytes$/, '').replaceAll('_', ' ')}</dt>
                <dd>{figure(name, value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  );
}

function figure(name: string, value: unknown): string {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  return name.endsWith('_bytes') ? bytes(value) : Number.isInteger(value) ? count(value) : String(value);
}
