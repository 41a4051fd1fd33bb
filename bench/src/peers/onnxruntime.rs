//! ONNX Runtime through its C API, one thread, so that no binding's cost flatters us.
//!
//! The API is one table of functions whose order never changes (onnxruntime_c_api.h says so); the few used here are
//! taken by their place in it. The library is the one in the PyPI wheel.

#![expect(unsafe_code, reason = "calls a C library by the signatures of its published header")]

use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};

use libloading::Library;

type Fault = Box<dyn Error + Send + Sync>;
type Status = *mut c_void;
type Handle = *mut c_void;

/// The version of the table asked for; older than any wheel in use.
const API_VERSION: u32 = 16;
const FLOAT: i32 = 1;
const ALL_OPTIMISATIONS: i32 = 99;

/// Places of the functions in the table.
mod place {
    pub(super) const GET_ERROR_MESSAGE: usize = 2;
    pub(super) const CREATE_ENV: usize = 3;
    pub(super) const CREATE_SESSION_FROM_ARRAY: usize = 8;
    pub(super) const RUN: usize = 9;
    pub(super) const CREATE_SESSION_OPTIONS: usize = 10;
    pub(super) const SET_GRAPH_OPTIMISATION: usize = 23;
    pub(super) const SET_INTRA_THREADS: usize = 24;
    pub(super) const SET_INTER_THREADS: usize = 25;
    pub(super) const CREATE_TENSOR_WITH_DATA: usize = 49;
    pub(super) const GET_TENSOR_DATA: usize = 51;
    pub(super) const CREATE_CPU_MEMORY: usize = 69;
    pub(super) const RELEASE_SESSION: usize = 95;
    pub(super) const RELEASE_VALUE: usize = 96;
}

#[repr(C)]
struct ApiBase {
    get_api: unsafe extern "C" fn(u32) -> *const *const c_void,
    get_version: unsafe extern "C" fn() -> *const c_char,
}

/// The library, ready to open models.
pub(crate) struct Runtime {
    table: *const *const c_void,
    environment: Handle,
    options: Handle,
    memory: Handle,
    pub(crate) version: String,
    _library: Library,
}

/// One model, open.
pub(crate) struct Session<'a> {
    runtime: &'a Runtime,
    handle: Handle,
    input: CString,
    output: CString,
}

impl Runtime {
    pub(crate) fn open(library: &Path) -> Result<Self, Fault> {
        // SAFETY: the library is ONNX Runtime's own; loading it runs its initialisers only.
        let library = unsafe { Library::new(library)? };
        // SAFETY: the header declares exactly this function.
        let base = unsafe { (*library.get::<unsafe extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase")?)() };
        // SAFETY: the function returns a static table, or null for a version it does not know.
        let (table, version) =
            unsafe { (((*base).get_api)(API_VERSION), CStr::from_ptr(((*base).get_version)())) };
        if table.is_null() {
            return Err("this ONNX Runtime has no API of version 16".into());
        }
        let version = version.to_string_lossy().into_owned();
        let (environment, options, memory) = (null_mut(), null_mut(), null_mut());
        let mut runtime = Runtime { table, environment, options, memory, version, _library: library };
        runtime.prepare()?;
        Ok(runtime)
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        type CreateEnv = unsafe extern "C" fn(i32, *const c_char, *mut Handle) -> Status;
        type Create = unsafe extern "C" fn(*mut Handle) -> Status;
        type SetNumber = unsafe extern "C" fn(Handle, i32) -> Status;
        type CreateMemory = unsafe extern "C" fn(i32, i32, *mut Handle) -> Status;
        // SAFETY: places, signatures and argument values are the header's; handles come from the same library.
        unsafe {
            let create = self.function::<CreateEnv>(place::CREATE_ENV);
            let status = create(3, c"bench".as_ptr(), &mut self.environment);
            self.check(status)?;
            let create = self.function::<Create>(place::CREATE_SESSION_OPTIONS);
            let status = create(&mut self.options);
            self.check(status)?;
            for (place, number) in [
                (place::SET_INTRA_THREADS, 1),
                (place::SET_INTER_THREADS, 1),
                (place::SET_GRAPH_OPTIMISATION, ALL_OPTIMISATIONS),
            ] {
                self.check(self.function::<SetNumber>(place)(self.options, number))?;
            }
            let create = self.function::<CreateMemory>(place::CREATE_CPU_MEMORY);
            let status = create(1, 0, &mut self.memory);
            self.check(status)
        }
    }

    /// SAFETY: `F` must be the signature the header gives the function at `place`.
    unsafe fn function<F: Copy>(&self, place: usize) -> F {
        // SAFETY: the table has more than a hundred entries, each a function pointer.
        unsafe { std::mem::transmute_copy(&*self.table.add(place)) }
    }

    fn check(&self, status: Status) -> Result<(), Fault> {
        if status.is_null() {
            return Ok(());
        }
        type GetMessage = unsafe extern "C" fn(Status) -> *const c_char;
        // SAFETY: a status that is not null carries a message.
        let message =
            unsafe { CStr::from_ptr(self.function::<GetMessage>(place::GET_ERROR_MESSAGE)(status)) };
        Err(message.to_string_lossy().into_owned().into())
    }

    pub(crate) fn session(&self, onnx: &[u8], input: &str, output: &str) -> Result<Session<'_>, Fault> {
        type CreateSession =
            unsafe extern "C" fn(Handle, *const c_void, usize, Handle, *mut Handle) -> Status;
        let mut handle = null_mut();
        // SAFETY: the bytes live for the call, which copies what it needs.
        let status = unsafe {
            let create = self.function::<CreateSession>(place::CREATE_SESSION_FROM_ARRAY);
            create(self.environment, onnx.as_ptr().cast(), onnx.len(), self.options, &mut handle)
        };
        self.check(status)?;
        Ok(Session { runtime: self, handle, input: CString::new(input)?, output: CString::new(output)? })
    }
}

impl Session<'_> {
    /// The model's scores of these rows, so many numbers and so many scores each, handed to `read` while the runtime
    /// still holds them.
    pub(crate) fn run(
        &self,
        rows: &mut [f32],
        (width, scores): (usize, usize),
        read: impl FnOnce(&[f32]),
    ) -> Result<(), Fault> {
        type CreateTensor =
            unsafe extern "C" fn(Handle, *mut c_void, usize, *const i64, usize, i32, *mut Handle) -> Status;
        type Run = unsafe extern "C" fn(
            Handle,
            *const c_void,
            *const *const c_char,
            *const Handle,
            usize,
            *const *const c_char,
            usize,
            *mut Handle,
        ) -> Status;
        type GetData = unsafe extern "C" fn(Handle, *mut *mut f32) -> Status;
        let count = rows.len() / width;
        let shape = [count as i64, width as i64];
        let (mut input, mut output, mut data) = (null_mut(), null_mut(), null_mut());
        let runtime = self.runtime;
        // SAFETY: the tensor borrows `rows` until it is released below; the output's numbers are read before that.
        unsafe {
            let create = runtime.function::<CreateTensor>(place::CREATE_TENSOR_WITH_DATA);
            let bytes = size_of_val(rows);
            let status =
                create(runtime.memory, rows.as_mut_ptr().cast(), bytes, shape.as_ptr(), 2, FLOAT, &mut input);
            runtime.check(status)?;
            let (names, outputs) = ([self.input.as_ptr()], [self.output.as_ptr()]);
            let run = runtime.function::<Run>(place::RUN);
            let status =
                run(self.handle, null(), names.as_ptr(), &input, 1, outputs.as_ptr(), 1, &mut output);
            runtime.check(status)?;
            runtime.check(runtime.function::<GetData>(place::GET_TENSOR_DATA)(output, &mut data))?;
            read(std::slice::from_raw_parts(data, count * scores));
            runtime.release(place::RELEASE_VALUE, output);
            runtime.release(place::RELEASE_VALUE, input);
        }
        Ok(())
    }
}

impl Runtime {
    /// SAFETY: `place` must be the release function of the handle's kind.
    unsafe fn release(&self, place: usize, handle: Handle) {
        // SAFETY: every release function has this signature.
        unsafe { self.function::<unsafe extern "C" fn(Handle)>(place)(handle) }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is a session, and is not used again.
        unsafe { self.runtime.release(place::RELEASE_SESSION, self.handle) }
    }
}
