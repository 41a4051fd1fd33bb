//! The simulated fabric from outside: that it is remade to the bit, that its truth is in its telemetry, and that what it
//! injects is what was asked for.

#[cfg(test)]
mod tests {
    use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
    use linkcast_telemetry::Reading;

    fn plan() -> FabricPlan {
        FabricPlan {
            ports: 400,
            hours: 6.0,
            faults: FaultRate::PerPortHour(0.01),
            benign: BenignRates::REALISTIC.times(40.0),
            ..FabricPlan::default()
        }
    }

    fn readings_of(plan: FabricPlan) -> Vec<Vec<Reading>> {
        let mut fabric = Fabric::new(plan).unwrap();
        let mut sweeps = Vec::new();
        loop {
            let mut readings = Vec::new();
            if fabric.next_sweep(&mut readings).is_none() {
                return sweeps;
            }
            sweeps.push(readings);
        }
    }

    #[test]
    fn one_plan_gives_one_telemetry_whether_memory_is_reused_or_not() {
        let fresh = readings_of(plan());
        let mut fabric = Fabric::new(plan()).unwrap();
        let mut reused = Vec::new();
        for sweep in &fresh {
            fabric.next_sweep(&mut reused).unwrap();
            assert!(*sweep == reused);
        }
        assert!(fabric.next_sweep(&mut reused).is_none() && reused.is_empty());
        assert!(readings_of(FabricPlan { seed: 2, ..plan() }) != fresh);
    }
}
