#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| voucherify_emulator_fuzz::json(data));
