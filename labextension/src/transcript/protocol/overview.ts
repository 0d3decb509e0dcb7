/** A part of the contract with the kernel: what a status bar shows. */

/** Names of tools and arguments come from models: hostile. */
export interface IOverview {
  type: 'overview';
  /** The model that answers where none is named. */
  default: string;
  /** Those that can be used now, the default first. */
  models: { id: string; local: boolean }[];
  /** The oldest of the questions that wait, in all notebooks. */
  waiting: {
    tool: string;
    arguments: string;
    place: string;
    age: string;
    destructive: boolean;
  }[];
  /** How many wait. */
  waits: number;
  /** The tokens of the answers of this kernel. */
  sent: number;
  received: number;
  /** What they cost; empty where that is not known. */
  cost: string;
}
