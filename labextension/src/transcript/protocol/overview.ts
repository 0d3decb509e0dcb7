/** What a status bar shows, as a part of the contract with the kernel. */

/** The overview of a kernel. Names of tools and arguments come from models: hostile. */
export interface IOverview {
  type: 'overview';
  /** The model that answers where none is named. */
  default: string;
  /** The models that can be used, the default first. */
  models: { id: string; local: boolean }[];
  /** The oldest of the questions that wait, in all notebooks. */
  waiting: {
    tool: string;
    arguments: string;
    place: string;
    age: string;
    destructive: boolean;
  }[];
  /** How many questions wait. */
  waits: number;
  /** The tokens of the answers of this kernel. */
  sent: number;
  received: number;
  /** What the answers cost; empty if that is not known. */
  cost: string;
}
