export {
  type AwsCredentials,
  type AwsSignIn,
  type AwsSignInOptions,
  type AwsSignInRequest,
  awsSignIn,
} from './sign-in.js';
