//! XGBoost through its C API, one thread, predicting in place: its fastest way in.
//!
//! The rows' description, which its API wants as JSON, is written once and not timed. The library is the one in the
//! PyPI wheel.

#![expect(unsafe_code, reason = "calls a C library by the signatures of its published header")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};

use anyhow::{Result, bail};
use libloading::{Library, Symbol};

type Handle = *mut c_void;
type Create = unsafe extern "C" fn(*const Handle, u64, *mut Handle) -> c_int;
type LoadModel = unsafe extern "C" fn(Handle, *const c_void, u64) -> c_int;
type SetParam = unsafe extern "C" fn(Handle, *const c_char, *const c_char) -> c_int;
type PredictDense = unsafe extern "C" fn(
    Handle,
    *const c_char,
    *const c_char,
    Handle,
    *mut *const u64,
    *mut u64,
    *mut *const f32,
) -> c_int;
type Free = unsafe extern "C" fn(Handle) -> c_int;
type LastError = unsafe extern "C" fn() -> *const c_char;

/// Margins, all trees, NaN missing.
const PREDICTION: &CStr = cr#"{"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"missing":NaN,"strict_shape":true,"cache_id":0}"#;

/// The library, ready to open models.
pub(crate) struct XgBoost {
    library: Library,
}

/// One model, open.
pub(crate) struct Booster<'a> {
    handle: Handle,
    predict: Symbol<'a, PredictDense>,
    free: Symbol<'a, Free>,
    library: &'a XgBoost,
}

/// Rows as XGBoost reads them: where they lie and how many there are.
pub(crate) struct Rows<'a> {
    description: CString,
    values: &'a [f32],
    scores: usize,
}

impl<'a> Rows<'a> {
    /// `values` holds rows of `width` numbers; a model gives `scores` numbers for each.
    pub(crate) fn new(values: &'a [f32], width: usize, scores: usize) -> Result<Self> {
        let count = values.len() / width;
        let description = CString::new(format!(
            r#"{{"data":[{},true],"shape":[{count},{width}],"typestr":"<f4","version":3}}"#,
            values.as_ptr().addr()
        ))?;
        Ok(Rows { description, values, scores: count * scores })
    }
}

impl XgBoost {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // SAFETY: the library is XGBoost's own; loading it runs its initialisers only.
        let library = unsafe { Library::new(path)? };
        Ok(XgBoost { library })
    }

    pub(crate) fn booster(&self, model: &[u8]) -> Result<Booster<'_>> {
        let mut handle = null_mut();
        // SAFETY: names, signatures and arguments are the header's; the bytes live for the call, which copies them.
        unsafe {
            self.check((self.library.get::<Create>(b"XGBoosterCreate")?)(null(), 0, &mut handle))?;
            let load = self.library.get::<LoadModel>(b"XGBoosterLoadModelFromBuffer")?;
            self.check(load(handle, model.as_ptr().cast(), model.len() as u64))?;
            let set = self.library.get::<SetParam>(b"XGBoosterSetParam")?;
            self.check(set(handle, c"nthread".as_ptr(), c"1".as_ptr()))?;
            Ok(Booster {
                handle,
                predict: self.library.get(b"XGBoosterPredictFromDense")?,
                free: self.library.get(b"XGBoosterFree")?,
                library: self,
            })
        }
    }

    fn check(&self, status: c_int) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: after a failure the library holds a message of this thread.
        let message = unsafe { CStr::from_ptr((self.library.get::<LastError>(b"XGBGetLastError")?)()) };
        bail!("xgboost: {}", message.to_string_lossy())
    }
}

impl Booster<'_> {
    /// The margins of the rows, handed to `read` while the library still holds them.
    pub(crate) fn margins(&self, rows: &Rows<'_>, read: impl FnOnce(&[f32])) -> Result<()> {
        let (mut shape, mut dimensions, mut result) = (null(), 0, null());
        std::hint::black_box(rows.values);
        // SAFETY: the description tells where `rows.values` lies, which lives for the call; the result is read before
        // the booster is used again.
        unsafe {
            self.library.check((self.predict)(
                self.handle,
                rows.description.as_ptr(),
                PREDICTION.as_ptr(),
                null_mut(),
                &mut shape,
                &mut dimensions,
                &mut result,
            ))?;
            read(std::slice::from_raw_parts(result, rows.scores));
        }
        Ok(())
    }
}

impl Drop for Booster<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is a booster's, and is not used again.
        unsafe { (self.free)(self.handle) };
    }
}
