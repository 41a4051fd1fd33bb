//! What is written comes back, the same rows give the same bytes, and a damaged file is refused.

use super::super::RowWriter;
use super::*;
use bytes::Bytes;

fn row(number: u32) -> DatasetRow {
    let mut features = [f32::NAN; FEATURE_COUNT];
    features[number as usize % FEATURE_COUNT] = number as f32 / 7.0;
    DatasetRow {
        stream: format!("{:016x}/1", number % 5).parse().unwrap(),
        time: Timestamp::from_millis(1_700_000_000_000 + i64::from(number)),
        features,
        class: PredictionType::ALL[number as usize % PredictionType::COUNT],
        risk: (number % 100) as f32,
        confidence: 0.9,
        source: LabelSource::ALL[number as usize % 3],
        weight: 60.0,
        alert: [None, Some(false), Some(true)][number as usize % 3],
        fails_near: [None, Some(true)][number as usize % 2],
        fails_far: Some(number.is_multiple_of(7)),
        severity: number.is_multiple_of(4).then_some(88.5),
        action: number.is_multiple_of(9).then(|| "cable changed".into()),
    }
}

fn written(rows: u32) -> Vec<u8> {
    let mut writer = RowWriter::new(Vec::new()).unwrap();
    (0..rows).for_each(|number| writer.push(row(number)).unwrap());
    writer.finish().unwrap()
}

fn back(bytes: &[u8]) -> Result<Vec<DatasetRow>, RowFileError> {
    let mut rows = Vec::new();
    read_rows(Bytes::copy_from_slice(bytes), |row| rows.push(row))?;
    Ok(rows)
}

#[test]
fn rows_of_several_groups_come_back_as_they_were_to_the_bit() {
    let found = back(&written(70_000)).unwrap();
    assert_eq!(found.len(), 70_000);
    for (number, found) in (0..).zip(found) {
        let expected = row(number);
        assert_eq!(found.features.map(f32::to_bits), expected.features.map(f32::to_bits), "{number}");
        let bare = |row: DatasetRow| DatasetRow { features: [0.0; FEATURE_COUNT], ..row };
        assert_eq!(bare(found), bare(expected));
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    assert_eq!(written(1_000), written(1_000));
}

#[test]
fn a_file_without_rows_is_a_file() {
    assert_eq!(back(&written(0)).unwrap(), []);
}

#[test]
fn a_file_cut_short_or_damaged_is_refused() {
    let whole = written(1_000);
    assert!(back(&whole[..whole.len() - 9]).is_err());
    assert!(back(b"stream_id,timestamp\n").is_err());
    let mut damaged = whole.clone();
    damaged[200..260].fill(0xff);
    assert!(back(&damaged).is_err());
}
