//! Everything that was measured, under names that stay: what `--json` prints and the report draws.

use std::collections::BTreeSet;

use linkcast_domain::{Alert, Episode, StreamId};
use linkcast_simulator::FaultRate;
use linkcast_training::evaluation::{
    Answer, Budget, BudgetPoint, EventReport, LeadCurve, Peers, RaisedAlert, ReliabilityDiagram, ScoredAlert,
    Watch, budget_curve, compare_events, evaluate_events, lead_curves, poisson_upper, reliability_diagram,
};
use linkcast_training::rules::RuleReport;
use serde::Serialize;

use super::course::{Course, CoursePlan};
use super::judges::{BOOTSTRAP_SEED, DRAWS, Difference, RowFindings};
use super::kin::Kin;
use super::rows::{Attributions, JudgedRow};
use super::slices::{Fabric, Slice, slices};
use crate::learning::{Missed, ReliabilityReport};

/// Budgets of the curve, alerts for each thousand ports a week at the faults simulated.
const BUDGETS: [f64; 10] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 35.0, 50.0, 75.0, 100.0];

/// Minutes of the lead-time curve.
const LEADS: [f64; 13] = [0.0, 5.0, 10.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 480.0];

const INSIGHT_BINS: usize = 10;

/// What was measured.
#[derive(Serialize)]
pub(crate) struct Findings {
    /// That every figure is from simulated fabrics.
    pub(crate) synthetic: bool,
    /// The command that measures it again.
    pub(crate) command: String,
    /// The model judged.
    pub(crate) model: String,
    /// The live model it was held against, if that is another.
    pub(crate) live: Option<String>,
    /// Every alert that was raised, all fabrics together.
    pub(crate) shipped: EventReport,
    /// The same if faults were as rare as in life.
    pub(crate) at_realistic_rate: Option<RealisticRate>,
    /// The same with the least risk that keeps to one alert for each thousand ports a week.
    pub(crate) at_budget: Option<AtBudget>,
    /// False alarms.
    pub(crate) false_alarms: FalseAlarms,
    /// Each fabric.
    pub(crate) fabrics: Vec<FabricFindings>,
    /// The model and the baselines, by event.
    pub(crate) by_event: Vec<Contender>,
    /// The model against the live one on the same faults, where that is another.
    pub(crate) against_by_event: Vec<Difference>,
    /// What each budget of alerts buys, at the faults simulated.
    pub(crate) budget_curve: Vec<BudgetPoint>,
    /// How early.
    pub(crate) lead_curves: Vec<LeadCurve>,
    /// Where faults are missed.
    pub(crate) slices: Vec<Slice>,
    /// Whether insights are right as often as they say.
    pub(crate) insights: ReliabilityDiagram,
    /// Row by row.
    pub(crate) rows: RowFindings,
    /// How far the rules reach.
    pub(crate) rules: RuleFindings,
    /// What moves verdicts of trouble, largest first.
    pub(crate) attributions: Vec<Attribution>,
    /// The faults no alert spoke of, and what was said instead.
    pub(crate) missed: Vec<Missed>,
    /// Every alert, as first told.
    pub(crate) alerts: Vec<Alert>,
    /// What truly happened.
    pub(crate) episodes: Vec<Episode>,
}

/// Figures scaled to faults at 2e-6 a port-hour.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct RealisticRate {
    pub(crate) alerts_per_thousand_ports_a_week: f64,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
}

/// What a higher threshold on risk would have told.
#[derive(Serialize)]
pub(crate) struct AtBudget {
    pub(crate) risk: f64,
    pub(crate) realistic: RealisticRate,
    pub(crate) report: EventReport,
}

/// Alerts about no fault.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FalseAlarms {
    pub(crate) count: usize,
    pub(crate) port_weeks: f64,
    pub(crate) per_port_week: f64,
    /// The rate that so few leave only 1 chance in 20.
    pub(crate) per_port_week_upper: f64,
}

/// One fabric.
#[derive(Serialize)]
pub(crate) struct FabricFindings {
    pub(crate) seed: u64,
    pub(crate) shipped: EventReport,
    pub(crate) reliability: ReliabilityReport,
    pub(crate) false_alarms: FalseAlarms,
    /// The row figures of this fabric alone, of the model and of the rules.
    pub(crate) rows: Vec<SideBySide>,
}

/// The row figures that have targets.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct SideBySide {
    pub(crate) judge: &'static str,
    pub(crate) macro_f1: f64,
    pub(crate) accuracy: f64,
    pub(crate) macro_auc: Option<f64>,
}

/// A way to tell of faults.
#[derive(Serialize)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// What it goes by.
    pub(crate) source: &'static str,
    pub(crate) report: EventReport,
    pub(crate) at_realistic_rate: Option<RealisticRate>,
    pub(crate) false_alarms: FalseAlarms,
}

/// The rules against simulated truth.
#[derive(Serialize)]
pub(crate) struct RuleFindings {
    /// The share of samples that ask nobody, 0 to 1.
    pub(crate) coverage: Option<f64>,
    #[serde(flatten)]
    pub(crate) report: RuleReport,
}

/// A feature's mean share of verdicts of trouble.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Attribution {
    pub(crate) feature: &'static str,
    /// The mean size of its exact share, in log-odds.
    pub(crate) mean_contribution: f64,
}

/// Every fabric's alerts and truth as one.
#[derive(Default)]
struct Pool {
    episodes: Vec<Episode>,
    alerts: Vec<Alert>,
    told: Vec<ScoredAlert>,
    told_by_live: Option<Vec<ScoredAlert>>,
    by_rules: Vec<ScoredAlert>,
    by_pack: Vec<ScoredAlert>,
    peers: Peers,
    answers: Vec<Answer>,
    rows: Vec<JudgedRow>,
    rules: RuleReport,
    attributions: Attributions,
    missed: Vec<Missed>,
}

/// What was judged, and from which risk on alerts are told.
pub(crate) struct Judged {
    pub(crate) command: String,
    pub(crate) model: String,
    pub(crate) live: Option<String>,
    pub(crate) plan: CoursePlan,
    pub(crate) alert_risk: f64,
}

impl Findings {
    /// The figures of `courses`.
    pub(crate) fn of(courses: Vec<Course>, judged: Judged) -> Self {
        let plan = judged.plan;
        let watch = |fabrics: usize| Watch {
            ports: plan.ports * fabrics,
            weeks: plan.hours / 168.0,
            budget: Budget::default(),
        };
        let fabrics: Vec<FabricFindings> =
            courses.iter().map(|course| FabricFindings::of(course, watch(1))).collect();
        let sliced = slices_of(&courses);
        let whole = watch(courses.len());
        let pool = Pool::of(courses);
        let judge = |told: &[RaisedAlert]| evaluate_events(&pool.episodes, told, &pool.peers, whole);
        let all = raised(&pool.told, 0.0);
        let shipped = judge(&all);
        Findings {
            synthetic: true,
            at_realistic_rate: at_realistic_rate(&shipped),
            at_budget: within_budget(&pool.told, judge),
            false_alarms: FalseAlarms::of(&shipped),
            by_event: contenders(&pool, judged.alert_risk, judge),
            against_by_event: pool.against_live(&all),
            budget_curve: budget_curve(&pool.episodes, &pool.told, &pool.peers, whole, &BUDGETS),
            lead_curves: lead_curves(&pool.episodes, &all, &pool.peers, &LEADS),
            slices: sliced,
            insights: reliability_diagram(pool.answers, INSIGHT_BINS),
            rows: RowFindings::of(&pool.rows),
            rules: RuleFindings { coverage: pool.rules.coverage(), report: pool.rules },
            attributions: pool
                .attributions
                .means()
                .into_iter()
                .map(|(feature, mean_contribution)| Attribution { feature, mean_contribution })
                .collect(),
            shipped,
            fabrics,
            missed: pool.missed,
            alerts: pool.alerts,
            episodes: pool.episodes,
            command: judged.command,
            model: judged.model,
            live: judged.live,
        }
    }
}

impl Pool {
    fn of(mut courses: Vec<Course>) -> Self {
        if courses.len() > 1 {
            courses.iter_mut().for_each(Course::set_apart);
        }
        let mut pool = Pool::default();
        for course in courses {
            pool.episodes.extend(course.episodes);
            pool.alerts.extend(course.alerts);
            pool.told.extend(course.told);
            if let Some(told) = course.told_by_live {
                pool.told_by_live.get_or_insert_default().extend(told);
            }
            pool.by_rules.extend(course.seen.told_by_rules);
            pool.by_pack.extend(course.seen.told_by_pack);
            pool.peers.extend(course.peers);
            pool.answers.extend(course.answers);
            pool.rows.extend(course.seen.rows);
            add_rules(&mut pool.rules, &course.seen.rule_report);
            pool.attributions.merge(&course.seen.attributions);
            pool.missed.extend(course.missed);
        }
        pool
    }

    /// The alerts told of against those of the live model, over pieces of the fabric that hold a fault or a false alarm.
    fn against_live(&self, told: &[RaisedAlert]) -> Vec<Difference> {
        let Some(live) = &self.told_by_live else { return Vec::new() };
        let live = raised(live, 0.0);
        let of_faults = self.episodes.iter().flat_map(|episode| &episode.streams);
        let of_alerts = told.iter().chain(&live).flat_map(|alert| &alert.streams);
        let streams: BTreeSet<StreamId> =
            of_faults.chain(of_alerts).chain(self.peers.keys()).cloned().collect();
        let kin = Kin::of(streams.into_iter(), &self.peers, &self.episodes);
        let differences = compare_events(
            &self.episodes,
            (told, &live),
            &self.peers,
            |stream| kin.group(stream),
            (DRAWS, BOOTSTRAP_SEED),
        );
        differences.into_iter().map(|(figure, difference)| Difference { figure, difference }).collect()
    }
}

/// Counts another fabric's verdicts of the rules as well.
fn add_rules(sum: &mut RuleReport, more: &RuleReport) {
    sum.samples += more.samples;
    sum.for_review += more.for_review;
    for (sum, more) in sum.rules.iter_mut().zip(&more.rules) {
        sum.spoke += more.spoke;
        sum.disputed += more.disputed;
        sum.known += more.known;
        sum.right += more.right;
        sum.faulty += more.faulty;
    }
}

impl FabricFindings {
    fn of(course: &Course, watch: Watch) -> Self {
        let all = raised(&course.told, 0.0);
        let shipped = evaluate_events(&course.episodes, &all, &course.peers, watch);
        let rows = RowFindings::of(&course.seen.rows);
        let side_by_side = rows.judges.iter().map(|judge| SideBySide {
            judge: judge.name,
            macro_f1: judge.balanced.macro_f1,
            accuracy: judge.balanced.accuracy,
            macro_auc: judge.macro_auc,
        });
        FabricFindings {
            seed: course.seed,
            false_alarms: FalseAlarms::of(&shipped),
            shipped,
            reliability: course.reliability.clone(),
            rows: side_by_side.collect(),
        }
    }
}

fn slices_of(courses: &[Course]) -> Vec<Slice> {
    let told: Vec<Vec<RaisedAlert>> = courses.iter().map(|course| raised(&course.told, 0.0)).collect();
    slices(courses.iter().zip(&told).map(|(course, alerts)| Fabric {
        seed: course.seed,
        episodes: &course.episodes,
        alerts,
        peers: &course.peers,
        ports: &course.seen.ports,
    }))
}

fn contenders(pool: &Pool, alert_risk: f64, judge: impl Fn(&[RaisedAlert]) -> EventReport) -> Vec<Contender> {
    let contender = |name, source, told: &[RaisedAlert]| {
        let report = judge(told);
        Contender {
            name,
            source,
            at_realistic_rate: at_realistic_rate(&report),
            false_alarms: FalseAlarms::of(&report),
            report,
        }
    };
    let mut contenders = vec![
        contender("model", "the whole system as it ships", &raised(&pool.told, 0.0)),
        contender(
            "rules alone",
            "the label rules on every sample, told from the same risk on",
            &raised(&pool.by_rules, alert_risk),
        ),
        contender(
            "published thresholds",
            "github.com/SckyzO/infiniband_exporter 2, examples/prometheus/rules/infiniband_alerts.yml: its warnings on switch ports",
            &raised(&pool.by_pack, 0.0),
        ),
        contender("majority class", "always normal: nobody is ever told of anything", &[]),
    ];
    let live = pool.told_by_live.iter().map(|told| {
        contender("live model", "the same system with the model it is held against", &raised(told, 0.0))
    });
    contenders.extend(live);
    contenders
}

fn raised(scored: &[ScoredAlert], least: f64) -> Vec<RaisedAlert> {
    let told = scored.iter().filter(|scored| scored.score >= least);
    told.map(|scored| scored.alert.clone()).collect()
}

impl FalseAlarms {
    fn of(report: &EventReport) -> Self {
        let port_weeks = report.ports as f64 * report.weeks;
        FalseAlarms {
            count: report.false_alerts,
            port_weeks,
            per_port_week: report.false_alerts as f64 / port_weeks,
            per_port_week_upper: poisson_upper(report.false_alerts) / port_weeks,
        }
    }
}

/// How a report would read with faults at 2e-6 a port-hour, the recall measured and the false alerts as they came.
fn at_realistic_rate(report: &EventReport) -> Option<RealisticRate> {
    let thousands_of_port_weeks = report.ports as f64 * report.weeks / 1000.0;
    let faults = FaultRate::Realistic.per_port_hour() * 168_000.0;
    let found = report.recall? * faults;
    let false_alerts = report.false_alerts as f64 / thousands_of_port_weeks;
    let told = found + false_alerts;
    (told > 0.0).then(|| RealisticRate {
        alerts_per_thousand_ports_a_week: told,
        precision: found / told,
        recall: report.recall.unwrap_or_default(),
    })
}

/// The least risk to be told of with which at most one alert comes for each thousand ports a week.
fn within_budget(scored: &[ScoredAlert], judge: impl Fn(&[RaisedAlert]) -> EventReport) -> Option<AtBudget> {
    let mut thresholds: Vec<f64> = scored.iter().map(|alert| alert.score).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.into_iter().find_map(|risk| {
        let report = judge(&raised(scored, risk));
        let realistic = at_realistic_rate(&report)?;
        let allowed = Budget::default().alerts_per_thousand_ports_a_week;
        (realistic.alerts_per_thousand_ports_a_week <= allowed).then_some(AtBudget {
            risk,
            realistic,
            report,
        })
    })
}
