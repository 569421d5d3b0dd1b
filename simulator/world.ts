/** One simulated counter: a virtual reader with a card and a person to hold it, an acquirer with the issuer behind it, and a clock. `tapdip/simulator`. */

export { type AcquirerHost, type HostEvent, startAcquirer } from './acquirer/host.ts'
export type {
  DeclineRule,
  DelayRule,
  HostRule,
  IssuerRule,
  LineRule,
  MinorUnits,
  PartialRule,
  Question,
  ReferRule,
  RuleAmount,
  RuleCondition,
  RuleScope,
  TvrRule,
  UnblockPinRule,
} from './acquirer/host-rule.ts'
export { type IsoLine, startIsoLine } from './acquirer/iso8583/host.ts'
export { loadCard, VirtualCard } from './cards/icc.ts'
export type {
  CardActionCodes,
  CardApplication,
  CardApplicationState,
  CardContactless,
  CardCvm,
  CardCvmRule,
  CardFaults,
  CardIssuerAuthentication,
  CardLog,
  CardNameBytes,
  CardOda,
  CardPin,
  CardProfile,
  CardRecord,
  CardRelayResistance,
  CardRisk,
  CardVelocity,
} from './cards/profile/card-profile.ts'
export { profiles } from './cards/profiles/index.ts'
export { VirtualPhone } from './cards/tap/phone.ts'
export { Counter, type CounterOptions, switchRadio, virtualCounter } from './counter.ts'
export { testCaKeys, testIssuerKeys, testPinAesDukpt, testPinDukpt, testRevoked } from './keys.ts'
export { instant, type PersonOptions, person } from './person.ts'
export { VirtualBluepad } from './readers/bluepad/bluepad.ts'
export { virtualEmv2 } from './readers/bluepad/emv2.ts'
export { Body } from './readers/body/body.ts'
export { type CardholderScript, cardholder, type Presentation, type Turn } from './readers/body/cardholder.ts'
export { virtualNfc } from './readers/body/nfc.ts'
export { virtualFamilies } from './readers/index.ts'
export { listen } from './readers/listen/listen.ts'
export { VirtualQpos } from './readers/qpos/qpos.ts'
export type { VirtualReader } from './readers/reader.ts'
export { type Powered, type SlotCard, VpcdCard } from './readers/vpcd.ts'
export type {
  CaseStatus,
  Expectation,
  ScenarioResult,
  SeenFault,
  SeenScreen,
  StepResult,
} from './scenario/result.ts'
export type {
  ScenarioApp,
  ScenarioCard,
  ScenarioHost,
  ScenarioPerson,
  ScenarioReader,
  ScenarioReaderName,
  ScenarioTerminal,
  ScenarioTerminalApplication,
  ScenarioTurn,
} from './scenario/typed/counter.ts'
export type { ScenarioDeed, ScenarioFault, ScenarioMoment, ScenarioScreenRule } from './scenario/typed/deeds.ts'
export type { Scenario, ScenarioPatch } from './scenario/typed/definition.ts'
export type { ScenarioExpect, ScenarioHostQuestion } from './scenario/typed/expect.ts'
export type { RunScenarioOptions, ScenarioFailure, ScenarioRun } from './scenario/typed/outcome.ts'
export { runScenario, scenario } from './scenario/typed/scenario.ts'
export type { ScenarioPayment, ScenarioStep } from './scenario/typed/steps.ts'
export type { ScenarioAmount } from './scenario/typed/words.ts'
export { type ReaderOptions, virtualConfig, virtualReader } from './virtual-reader.ts'
