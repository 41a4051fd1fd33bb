//! `model.packed`: both forests as they lie in memory, for services that must start at once.
//!
//! Nothing is parsed and nothing laid out on load; numbers are little-endian and every list's length is known before
//! it is read. The form is this crate's own and carries a version: it is a cache of the two ONNX files, which stay the
//! model, and it names them by digest, so that a packed form of other trees than the card's is refused.

use crate::Refusal;
use crate::forest::Forest;
use crate::ranks::{EMPTY_SLOT, Ranks};
use crate::trees::{CLASS_LIMIT, DEPTH_LIMIT, PostTransform, TREE_LIMIT};

/// The first bytes: a name and the version of what follows.
const MAGIC: [u8; 16] = *b"linkcast trees 1";

/// What a packed form holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Packed {
    /// The sha256 of the ONNX files it was made of, as cards write them.
    pub(crate) classifier_digest: String,
    pub(crate) regressor_digest: String,
    pub(crate) ranks: Ranks,
    pub(crate) classifier: Forest,
    pub(crate) regressor: Forest,
}

impl Packed {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.classifier_digest.bytes().chain(self.regressor_digest.bytes()));
        let segments: Vec<_> = self.ranks.segments().collect();
        write_count(&mut bytes, segments.len());
        for (feature, thresholds) in segments {
            bytes.push(feature);
            write_count(&mut bytes, thresholds.len());
            bytes.extend(thresholds.iter().flat_map(|threshold| threshold.to_le_bytes()));
        }
        for forest in [&self.classifier, &self.regressor] {
            write_forest(&mut bytes, forest);
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut reader = Reader { rest: bytes };
        let magic = reader.take(MAGIC.len(), "the first bytes")?;
        if magic != MAGIC {
            let expected = String::from_utf8_lossy(&MAGIC).into_owned();
            return Err(Refusal::new("the first bytes", String::from_utf8_lossy(magic), expected));
        }
        let classifier_digest = reader.digest()?;
        let regressor_digest = reader.digest()?;
        let ranks = reader.ranks()?;
        let classifier = reader.forest(&ranks)?;
        let regressor = reader.forest(&ranks)?;
        if !reader.rest.is_empty() {
            return Err(Refusal::new("the end", format!("{} bytes more", reader.rest.len()), "none"));
        }
        Ok(Packed { classifier_digest, regressor_digest, ranks, classifier, regressor })
    }
}

fn write_count(bytes: &mut Vec<u8>, count: usize) {
    // Every count written is bounded far below this type's end when the forest is laid out.
    bytes.extend((count as u32).to_le_bytes());
}

fn write_forest(bytes: &mut Vec<u8>, forest: &Forest) {
    write_count(bytes, forest.depth as usize);
    write_count(bytes, forest.classes.len());
    write_count(bytes, forest.base.len());
    write_count(bytes, usize::from(forest.post_transform == PostTransform::Softmax));
    bytes.extend(forest.labels.iter().flat_map(|label| label.to_le_bytes()));
    bytes.extend(forest.base.iter().flat_map(|base| base.to_le_bytes()));
    bytes.extend(&forest.classes);
    bytes.extend(forest.nodes.iter().flat_map(|node| node.to_le_bytes()));
    bytes.extend(forest.leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
    bytes.extend(forest.left_shares.iter().flat_map(|share| share.to_le_bytes()));
}

/// What is left to read.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize, place: &str) -> Result<&'a [u8], Refusal> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(Refusal::new(place, format!("{} bytes", self.rest.len()), format!("{length}")));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// A list of numbers of `WIDTH` bytes; its length is checked against what is there before anything is allocated.
    fn list<const WIDTH: usize, T>(
        &mut self,
        count: usize,
        place: &str,
        read: impl Fn([u8; WIDTH]) -> T,
    ) -> Result<Vec<T>, Refusal> {
        let taken = self.take(count.saturating_mul(WIDTH), place)?;
        Ok(taken.as_chunks::<WIDTH>().0.iter().map(|bytes| read(*bytes)).collect())
    }

    fn count(&mut self, place: &str, limit: usize) -> Result<usize, Refusal> {
        let read = self.list(1, place, u32::from_le_bytes)?;
        let count = read.first().copied().unwrap_or_default() as usize;
        if count > limit {
            return Err(Refusal::new(place, count, format!("at most {limit}")));
        }
        Ok(count)
    }

    fn digest(&mut self) -> Result<String, Refusal> {
        Ok(String::from_utf8_lossy(self.take(64, "digests")?).into_owned())
    }

    fn ranks(&mut self) -> Result<Ranks, Refusal> {
        let count = self.count("segments", 127)?;
        let mut segments = Vec::with_capacity(count);
        for _ in 0..count {
            let feature = self.take(1, "a segment's feature")?.first().copied().unwrap_or_default();
            let length = self.count("a segment's thresholds", 255)?;
            segments.push((feature, self.list(length, "thresholds", f32::from_le_bytes)?));
        }
        Ranks::from_segments(segments)
    }

    fn forest(&mut self, ranks: &Ranks) -> Result<Forest, Refusal> {
        let depth = self.count("depth", DEPTH_LIMIT as usize)?.max(1) as u32;
        let trees = self.count("trees", TREE_LIMIT)?;
        let class_count = self.count("classes", CLASS_LIMIT)?;
        let softmax = self.count("post transform", 1)? == 1;
        let labels = self.list(class_count, "labels", i64::from_le_bytes)?;
        let base = self.list(class_count, "base values", f32::from_le_bytes)?;
        let classes = self.take(trees, "the trees' classes")?.to_vec();
        let places = trees << depth;
        let forest = Forest {
            depth,
            classes,
            nodes: self.list(places, "nodes", u16::from_le_bytes)?,
            leaves: self.list(places, "leaves", f32::from_le_bytes)?,
            left_shares: self.list(places, "training weights", f32::from_le_bytes)?,
            base,
            post_transform: if softmax { PostTransform::Softmax } else { PostTransform::None },
            labels,
        };
        check_values(&forest, ranks)?;
        Ok(forest)
    }
}

/// Refuses values no packer writes; the walk itself is safe with any.
fn check_values(forest: &Forest, ranks: &Ranks) -> Result<(), Refusal> {
    let segments = ranks.segments().count();
    let known = |node: &u16| {
        let [_, slot] = node.to_le_bytes();
        slot == EMPTY_SLOT || usize::from(slot / 2) < segments
    };
    let faults = [
        ("classes of trees", forest.classes.iter().all(|class| usize::from(*class) < forest.base.len())),
        ("slots of nodes", forest.nodes.iter().all(known)),
        ("leaves", forest.leaves.iter().all(|leaf| leaf.abs() <= 1e6)),
        ("training weights", forest.left_shares.iter().all(|share| (0.0..=1.0).contains(share))),
        ("base values", forest.base.iter().all(|base| base.is_finite())),
    ];
    match faults.iter().find(|(_, sound)| !sound) {
        Some((place, _)) => Err(Refusal::new(*place, "a value out of range", "what this version packs")),
        None => Ok(()),
    }
}
