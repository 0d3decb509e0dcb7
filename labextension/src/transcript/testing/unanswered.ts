/** Holds samples of transcripts without an answer: none was asked for, or a run over rows stands in its place. */

import type { ITranscript } from '../protocol/document';
import { transcript } from './samples';

export const UNANSWERED: Record<string, ITranscript> = {
  firstUse: transcript([], {
    state: 'failed',
    error: {
      kind: 'model',
      title: 'Which model should answer?',
      text: 'None is chosen yet, so nothing was sent. One of these is enough:',
      ways: [
        {
          code: '%llm local install',
          text: 'SmolLM2, free and offline; 93 MB to download',
          label: 'Run one on this computer',
          installs: true
        },
        {
          code: '%llm keys set openai',
          text: 'for OpenAI; kept in your key file, readable only by you; never in the notebook',
          label: 'Enter a key…',
          key: 'openai'
        },
        {
          code: '%llm -m ollama/MODEL …',
          text: 'a model of Ollama that runs on this computer'
        }
      ]
    }
  }),
  unsent: transcript([], {
    state: 'unsent',
    unsent: {
      asks: [
        { name: 'system', text: 'Be brief.' },
        { name: 'prompt', text: 'Why did revenue dip?' }
      ],
      reads: ['await response.text()', 'async for chunk in response: …']
    }
  }),
  dryRun: transcript([], {
    state: 'unsent',
    unsent: {
      asks: [{ name: 'prompt', text: 'Why did revenue dip?' }],
      reads: [],
      estimate: 'about 2,140 tokens',
      exact: '{"model": "claude-sonnet-4-5", "messages": []}'
    }
  }),
  job: transcript([], {
    state: 'streaming',
    job: {
      state: 'running',
      count: 10_000,
      done: 6412,
      failed: 12,
      title: '6,412',
      text: ' of 10,000 rows',
      facts: [{ text: '84 rows a second' }, { text: '12 failed', error: true }],
      hints: []
    }
  })
};
