import type { Configuration } from '@portcullis/configuration';
import type { ProtocolSettings } from '@portcullis/engine';

/** What the configuration says about protocols. */
export function protocolSettings(configuration: Configuration): ProtocolSettings {
  const limits = configuration['app-layer'].protocols.http.libhtp['default-config'];
  return {
    http: {
      limits: {
        requestBody: limits['request-body-limit'],
        responseBody: limits['response-body-limit'],
      },
    },
  };
}
