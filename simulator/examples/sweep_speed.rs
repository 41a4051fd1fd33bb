//! How many readings a second one core makes, and how that grows with ports.

use linkcast_simulator::{Fabric, FabricPlan};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for ports in [1_000, 10_000, 50_000, 200_000] {
        let began = Instant::now();
        let mut fabric = Fabric::new(FabricPlan { ports, hours: 24.0, ..FabricPlan::default() })?;
        let built = began.elapsed();
        let mut readings = Vec::new();
        fabric.next_sweep(&mut readings);
        let sweeps = (4_000_000 / ports).min(2_000);
        let began = Instant::now();
        let mut made = 0;
        for _ in 0..sweeps {
            if fabric.next_sweep(&mut readings).is_some() {
                made += readings.len();
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        println!("{ports} ports: built in {built:?}, {:.2} M readings/s", made as f64 / seconds / 1e6);
    }
    Ok(())
}
